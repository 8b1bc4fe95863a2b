"""Champion and challengers in a bucket: each is judged by what it said then, whatever is cut and whenever it dies.

The oracle is the learners one by one and a gate, asked row by row.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from models.champion.challengers import challengers
from tests.unit.udfs.bucket_parts import DictStore
from tests.unit.udfs.label_oracle import Event, Out, SideBySide, expected
from tests.unit.udfs.test_labelled_bucket import NEVER, STREAM_KEYS, by_key, feed, packs, rules, stream
from udfs.bucket import Counters, Hosted, SnapshotPolicy
from udfs.challenged_bucket import ChallengedBucket
from udfs.labelled_bucket import Tally
from udfs.ledger import Ledger, Pending

CANDIDATES: list[dict[str, Any]] = [
    {"algorithm": "logistic", "learning_rate": 1e-6},
    {"algorithm": "logistic", "learning_rate": 1.0},
]
RULES = {"alpha": 0.99, "minimum_rows": 5, "cool_down": 5, "comparison_rows": 60, "rollback_alpha": 0.9,
         "rollback_rows": 40, "loss": "error"}  # fmt: skip
TIMEOUT = {"timeout_ms": 3_000, "negative_after_timeout": True}


def events_of(n: int, seed: int) -> list[Event]:
    """As `stream`, but labels say something of the features, the contrary of it from the middle on."""
    events, dice = stream(n, seed, keys=["a", None], span_ms=60_000), random.Random(seed)
    values = {(event.key, event.id): event.features[0] for event in events if event.kind == 0}
    return [
        event._replace(label=float((values[event.key, event.id] > 0) ^ (event.time_ms > 30_000)))
        if event.label in (0.0, 1.0) and (event.key, event.id) in values and dice.random() < 0.95
        else event
        for event in events
    ]


def opened(store: DictStore, policy: SnapshotPolicy, tally: Tally | None = None, **given: Any) -> ChallengedBucket:
    hosted = Hosted("SIDES", {}, challengers(CANDIDATES, columns=2, **RULES), policy=policy)
    return ChallengedBucket(hosted, rules(**given), store, Counters(), tally or Tally())


@cache
def events_and_oracle(batch_ms: int) -> tuple[list[Event], dict[Any, list[Out]]]:
    events = events_of(300, seed=7)
    return events, by_key(
        expected(
            events, batch_ms, timeout_ms=3_000, negative=True,
            model=lambda: SideBySide(CANDIDATES, 2, **RULES),
        )
    )  # fmt: skip


@pytest.mark.parametrize("batch_ms", [500, 20_000])
@pytest.mark.parametrize("policy", [NEVER, SnapshotPolicy(50, 10**9)], ids=["log", "snapshots"])
def test_it_is_the_oracle_row_by_row_and_a_crash_changes_nothing(batch_ms: int, policy: SnapshotPolicy) -> None:
    events, wanted = events_and_oracle(batch_ms)
    STREAM_KEYS[:] = [event for event in events if event.kind == 0]
    store, tally = DictStore(), Tally()
    bucket, got = opened(store, policy, tally, **TIMEOUT), []
    for number, (start_ms, rows) in enumerate(packs(events, batch_ms)):
        if number % 7 == 3:  # a new worker with the same state
            bucket = opened(store, policy, tally, **TIMEOUT)
        got += feed(bucket, store, start_ms, rows)
    assert by_key(got) == wanted
    kinds = Counter(row.prediction["decision"] for row in got if row.kind == "decision")
    assert {"promote", "rollback", "keep"} <= set(kinds), kinds
    served = {row.prediction[0] for row in got if row.kind == "prediction"}
    assert len(served) >= 2, "nobody else ever served"


def test_a_decision_stands_behind_the_outcome_that_decided() -> None:
    events = events_of(300, seed=7)
    STREAM_KEYS[:] = [event for event in events if event.kind == 0]
    store = DictStore()
    bucket, got = opened(store, NEVER, **TIMEOUT), []
    for start_ms, rows in packs(events, 1_000):
        got += feed(bucket, store, start_ms, rows)
    for before, row in pairwise(got):
        if row.kind == "decision":
            assert (before.kind, before.of, before.key, before.time_ms) == ("outcome", row.of, row.key, row.time_ms)
    champions: dict[Any, int] = {}
    for row in got:
        if row.kind == "prediction":
            assert row.prediction[0] == champions.get(row.key, 0)
        elif row.kind == "decision":
            assert row.prediction["before"] == champions.get(row.key, 0)
            champions[row.key] = row.prediction["champion"]


def test_what_was_said_then_is_kept_with_what_waits() -> None:
    """A ledger as data, through JSON: the champion's number stays a number, and probabilities keep their bits."""
    ledger = Ledger(1_000, 10)
    said = [2, 0.1 + 0.2, 1.0, 5e-324]
    ledger.predicted(Pending("i", 5, ("i", 1.0), np.array([1.0]), 3, said))
    again = Ledger.of_data(json.loads(json.dumps(ledger.as_data())), 1_000, 10, lambda columns: np.ones((1, 1)))
    _, found = again.label("i", 6, 1.0)
    assert found is not None and repr(found.prediction) == repr(said)
