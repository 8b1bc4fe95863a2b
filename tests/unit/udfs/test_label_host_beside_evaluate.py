"""The host learns late labels as `cutbank evaluate` does, which has its own idea of when: predictions are the same."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from jobs.evaluation.schedule import when_known
from models.features import category_codes
from models.learners import learner
from tests.unit.udfs.fake_flink import FakeContext
from tests.unit.udfs.test_label_host import CLASSIFIER, beat, label, opened, plan, process, shown


@pytest.mark.parametrize("mean_ms", [300, 2_000, 30_000])
@pytest.mark.parametrize("algorithm", ["logistic", "passive_aggressive"])
def test_predictions_are_those_of_evaluate(algorithm: str, mean_ms: int) -> None:
    dice = random.Random(mean_ms)
    times = sorted(dice.sample(range(0, 60_000), 400))
    prices = [dice.gauss(0, 1) for _ in times]
    devices = [dice.choice(["tv", "phone", "desk"]) for _ in times]
    labels = [float(p + (d == "tv") + dice.gauss(0, 0.5) > 0.3) for p, d in zip(prices, devices, strict=True)]
    taken = set(times)
    known = []
    for at in times:  # no label comes at the moment of another row
        when = at + 1_000 + int(dice.expovariate(1 / mean_ms))
        while when in taken:
            when += 1
        taken.add(when)
        known.append(when)

    schedule = when_known(np.array(labels), np.array(times), np.array(known))
    features = np.column_stack([prices, category_codes("device", devices)])
    pool = learner(algorithm, columns=1, categories=1)
    slots = np.full(schedule.rows.size, pool.open(), np.int32)
    said = pool.work(
        slots, schedule.times, features[schedule.rows], np.array(labels)[schedule.rows], schedule.work
    )  # fmt: skip
    asked = (schedule.work & 1) != 0
    expected = dict(zip(schedule.rows[asked].tolist(), said[asked].tolist(), strict=True))

    rows: list[tuple[Any, ...]] = [
        shown(at, i, a=p, device=d, order=i)
        for i, (at, p, d) in enumerate(zip(times, prices, devices, strict=True))
    ]  # fmt: skip
    rows += [label(when, i, value, order=i) for i, (when, value) in enumerate(zip(known, labels, strict=True))]
    context = FakeContext()
    host = opened(context, plan(CLASSIFIER, algorithm=algorithm))
    out = []
    for end_ms in range(1_000, max(known) + 2_000, 1_000):
        pack = [row for row in rows if end_ms - 1_000 <= row[0] < end_ms]
        out += process(host, context, [*pack, beat(end_ms - 1)], end_ms=end_ms)
    predictions = {row[2]: row[7] for row in out if row[6] == "prediction"}
    outcomes = {row[2]: row[7] for row in out if row[6] == "outcome"}
    assert predictions == outcomes == expected
    assert len({round(value, 6) for value in expected.values()}) > 300, "nothing was learned"
