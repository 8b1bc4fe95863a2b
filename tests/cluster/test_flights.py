"""sql/flights.sql: windows over flights that have landed, and the probabilities given with them, flight by flight."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import log_loss

from jobs.evaluation import Options, evaluate_rows
from jobs.evaluation.table import Table
from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.submit import submit
from tests.cluster.replay import iso

FLIGHTS, MINUTE_MS, HOUR_MS = 900, 60_000, 3_600_000
START_MS = 1_790_000_040_000
TEXTS = ("carrier", "origin", "dest", "hour", "day_of_week", "month")
#: Windows: the column they are kept by, and how far they reach back.
WINDOWS = {"late_from": ("origin", HOUR_MS), "late_to": ("dest", 3 * HOUR_MS), "late_by": ("carrier", 3 * HOUR_MS)}


def flights() -> list[dict[str, Any]]:
    """Departures on whole minutes, so that many fall together with a landing; bad hours are bad for all."""
    chance, made = random.Random(5), []
    for number in range(FLIGHTS):
        at = START_MS + number // 3 * 2 * MINUTE_MS
        late = int(chance.random() < (0.6 if (number // 100) % 2 else 0.1))
        texts = dict(zip(TEXTS, (chance.choice("ABC"), chance.choice("EJL"), chance.choice("WXYZ")), strict=False))
        texts |= {"hour": str(at // HOUR_MS % 24), "day_of_week": "1", "month": "9"}
        landed = at + chance.randrange(30, 240) * MINUTE_MS
        made.append(
            {"at": at, "landed": landed, "late": late, "distance": chance.choice([200.0, 750.0, 2400.0])} | texts
        )
    return made


def share_late(flown: list[dict[str, Any]], column: str, reach_ms: int) -> npt.NDArray[np.float64]:
    """For each flight, of those that landed before it left, within reach: late ones + 1 over all + 4."""
    shares = []
    for flight in flown:
        known = [
            other["late"] for other in flown
            if other[column] == flight[column] and flight["at"] - reach_ms <= other["landed"] + 1 <= flight["at"]
        ]  # fmt: skip
        shares.append((sum(known) + 1) / (len(known) + 4))
    return np.array(shares)


def table(flown: list[dict[str, Any]], **more: npt.NDArray[np.float64]) -> Table:
    return Table(
        ("distance", *more),
        TEXTS,
        np.column_stack([[flight["distance"] for flight in flown], *more.values()]),
        tuple([flight[text] for flight in flown] for text in TEXTS),
        np.array([float(flight["late"]) for flight in flown]),
        np.array([flight["at"] for flight in flown]),
        np.array([flight["landed"] + 1 for flight in flown]),  # a flight that leaves as one lands knows nothing of it
    )


def test_windows_and_probabilities(
    stack: Stack, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    flown = flights()
    asked = [
        {"impression_id": number, "event_time": iso(flight["at"]), "distance": flight["distance"]}
        | {text: flight[text] for text in TEXTS}
        for number, flight in enumerate(flown)
    ]
    known = [
        {"impression_id": number, "event_time": iso(flight["landed"]), "clicked": flight["late"]}
        for number, flight in sorted(enumerate(flown), key=lambda pair: pair[1]["landed"])
    ]
    kafka_admin.create_topics(stack.settings, {"departures": 2, "landings": 2})
    produce("departures", asked, key=b"flights")
    produce("landings", known, key=b"flights")
    submitted = submit(stack.settings, PROJECT_ROOT / "sql" / "flights.sql", {"bounded_mode": "latest-offset"})
    assert stack.rest.wait_for_end(submitted.job_id, timeout_s=240).state == "FINISHED"
    rows = [json.loads(record.value) for record in read_committed("flight-outcomes", at_least=2 * FLIGHTS)]
    shares = {name: share_late(flown, *window) for name, window in WINDOWS.items()}
    assert all(len(set(share.tolist())) > 10 for share in shares.values())
    for model, features in (("plain", {}), ("windows", shares)):
        its = sorted((row for row in rows if row["model"] == model), key=lambda row: row["impression_id"])
        assert [(row["impression_id"], row["label"]) for row in its] == [(k, flown[k]["late"]) for k in range(FLIGHTS)]
        for name, share in features.items():
            assert [row[name] for row in its] == pytest.approx(share.tolist(), abs=1e-12)
        offline = evaluate_rows(table(flown, **features), Options("logistic_mixture", {"encoding": "one_hot"}))
        given = np.clip([row["probability"] for row in its], 1e-6, 1 - 1e-6)
        assert log_loss([row["label"] for row in its], given) == pytest.approx(offline["log_loss"], abs=1e-9)
