"""A bucket with labels that come late gives what the oracle gives, whenever it is interrupted and however it is cut."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.udfs.bucket_parts import DictStore
from tests.unit.udfs.label_oracle import Chain, ChainLearners, Event, Out, expected
from udfs.bucket import BESIDE, Counters, Hosted, SnapshotPolicy
from udfs.labelled_bucket import LabelledBucket, LabelRules, Result, Tally
from udfs.labelled_log import Events

KEYS: list[Any] = ["a", "b", None, "ü", ("x", 1)]
NEVER, SOON = SnapshotPolicy(10**9, 10**9), SnapshotPolicy(17, 10**9)


def features_of(columns: Any) -> np.ndarray[Any, Any]:
    """The features are columns 2 and 3; column 0 is the event's number, column 1 anything."""
    return np.array(columns[2:4], dtype=np.float64).T


def rules(**given: Any) -> LabelRules:
    return LabelRules(**{"features_of": features_of, "limit": 10**9, "is_label": (0.0, 1.0).__contains__, **given})


def opened(
    store: DictStore,
    of: LabelRules,
    policy: SnapshotPolicy = SOON,
    tally: Tally | None = None,
    counters: Counters | None = None,
    idle_ms: int | None = None,
) -> LabelledBucket:
    hosted = Hosted("CHAIN", {}, ChainLearners(), policy=policy, idle_ms=idle_ms)
    return LabelledBucket(hosted, of, store, counters or Counters(), tally or Tally())


def stream(n: int, seed: int, *, keys: list[Any] = KEYS, span_ms: int = 20_000, clash: float = 0.1) -> list[Event]:
    """Inputs, and labels that are early, late, doubled, revised, of nobody, of nothing, or never there."""
    dice = random.Random(seed)
    events: list[Event] = []
    for number in range(n):
        at, key = dice.randrange(span_ms), dice.choice(keys)
        of: Any = dice.choice([number, f"n{number}"])
        if dice.random() < clash:
            of = dice.choice([None, dice.randrange(5)])
        events.append(Event(at, 0, len(events), key, of, (dice.gauss(0, 1), float(number % 3))))
        for _ in range(dice.choice([0, 1, 1, 1, 2, 3])):
            when = at + round(dice.gauss(2_000, 1_500))
            label = dice.choice([0.0, 1.0, 1.0, None, 0.5] if dice.random() < 0.2 else [0.0, 1.0])
            other = dice.choice([None, "nobody", dice.randrange(5)]) if dice.random() < 0.1 else of
            events.append(Event(max(when, 0), 1, len(events), key, other, (), label))
    return sorted(events, key=lambda event: event[:3])


def packs(events: Iterable[Event], batch_ms: int) -> list[tuple[int, list[Event]]]:
    cut: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        cut[event.time_ms // batch_ms * batch_ms].append(event)
    return sorted(cut.items())


def feed(bucket: LabelledBucket, store: DictStore, start_ms: int, rows: list[Event]) -> list[Out]:
    inputs = [row for row in rows if row.kind == 0]
    columns = [[row.order for row in inputs], ["ü"] * len(inputs)]
    columns += [[row.features[j] for row in inputs] for j in (0, 1)]
    events = Events(
        [row.key for row in rows],
        [row.time_ms for row in rows],
        [row.kind == 1 for row in rows],
        [row.id for row in rows],
        [row.label for row in rows],
        columns,
    )
    key_of = {row.order: row.key for row in STREAM_KEYS} | {row.order: row.key for row in rows}
    return [as_out(result, key_of) for result in bucket.process(events, start_ms, store)]


#: the inputs of the stream under test, whose keys an outcome is of
STREAM_KEYS: list[Event] = []


def as_out(result: Result, key_of: dict[int, Any]) -> Out:
    number = result.of.values[0]
    made = result.of
    if result.decision is not None:
        return Out(key_of[number], number, "decision", result.time_ms, result.decision, made.version, None, None)
    kind = "outcome" if result.is_outcome else "prediction"
    return Out(key_of[number], number, kind, result.time_ms, made.prediction, made.version, result.label, result.lag_ms)


def by_key(rows: Iterable[Out]) -> dict[Any, list[Out]]:
    found: dict[Any, list[Out]] = defaultdict(list)
    for row in rows:
        found[row.key].append(row)
    return found


RULES: list[dict[str, Any]] = [
    {},
    {"timeout_ms": 3_000},
    {"timeout_ms": 2_000, "negative_after_timeout": True},
    {"timeout_ms": 4_000, "limit": 3},
    {"limit": 2},
]


def oracle(events: list[Event], batch_ms: int, given: dict[str, Any]) -> list[Out]:
    names = {"timeout_ms": "timeout_ms", "negative_after_timeout": "negative", "limit": "limit"}
    return expected(events, batch_ms, **{names[name]: value for name, value in given.items()})


@pytest.mark.parametrize("given", RULES, ids=str)
@pytest.mark.parametrize("policy", [NEVER, SOON, SnapshotPolicy(1, 1), SnapshotPolicy(10**9, 1_500)])
def test_a_crash_between_any_two_packs_changes_nothing(given: dict[str, Any], policy: SnapshotPolicy) -> None:
    events = stream(60, seed=1)
    STREAM_KEYS[:] = [event for event in events if event.kind == 0]
    store, tally, got, checkpoints = DictStore(), Tally(), [], []
    bucket = opened(store, rules(**given), policy, tally)
    cut = packs(events, 1_000)
    for start_ms, rows in cut:
        checkpoints.append((len(got), store.copy()))
        got += feed(bucket, store, start_ms, rows)
    assert by_key(got) == by_key(oracle(events, 1_000, given))
    outcomes = [row for row in got if row.kind == "outcome"]
    assert len({row.prediction for row in got}) > 50 and len(outcomes) > 20, "the stream says nothing"
    assert_counts(tally, got)
    for number, (done, checkpoint) in enumerate(checkpoints):
        again = opened(checkpoint, rules(**given), policy)
        rest: list[Out] = []
        for start_ms, rows in cut[number:]:
            rest += feed(again, checkpoint, start_ms, rows)
        assert rest == got[done:], f"restored before pack {number}"


def assert_counts(tally: Tally, got: list[Out]) -> None:
    """Every prediction waits or has exactly one outcome."""
    closed = [row.of for row in got if row.kind == "outcome"]
    made = [row.of for row in got if row.kind == "prediction"]
    assert len(set(closed)) == len(closed) and set(closed) <= set(made)
    assert tally.predictions == len(made)
    parts = ("labels_joined", "labels_timed_out", "labels_given_up", "ids_null", "ids_duplicate", "pending")
    assert sum(asdict(tally)[part] for part in parts) == tally.predictions
    assert tally.pending == len(made) - len(closed)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([100, 700, 1_000, 10_000]),
    st.sampled_from(RULES),
    st.sets(st.integers(0, 100), max_size=6),
    st.sets(st.integers(0, 100), max_size=6),
    st.integers(1, 60),
)
def test_cuts_crashes_snapshots_and_releases_change_nothing(
    seed: int, batch_ms: int, given: dict[str, Any], crashes: set[int], releases: set[int], records: int
) -> None:
    events = stream(50, seed=seed)
    STREAM_KEYS[:] = [event for event in events if event.kind == 0]
    store, got, policy = DictStore(), [], SnapshotPolicy(records, 10**9)
    bucket = opened(store, rules(**given), policy)
    for number, (start_ms, rows) in enumerate(packs(events, batch_ms)):
        if number in crashes:
            tally = Tally()
            bucket = opened(store, rules(**given), policy, tally)
            closed = sum(row.kind == "outcome" for row in got)
            assert tally.pending == len(got) - 2 * closed, "what waits is not what was predicted and not closed"
        if number in releases:
            bucket.release_quiet_keys()
        got += feed(bucket, store, start_ms, rows)
    assert by_key(got) == by_key(oracle(events, batch_ms, given))


def test_a_timeout_of_a_key_that_left_memory_comes_at_its_pack() -> None:
    store = DictStore()
    one, two = Event(100, 0, 0, "a", 1, (1.0, 2.0)), Event(9_000, 0, 1, "b", 2, (1.0, 2.0))
    STREAM_KEYS[:] = [one, two]
    bucket = opened(store, rules(timeout_ms=3_000, negative_after_timeout=True), SnapshotPolicy(1, 1))
    feed(bucket, store, 0, [one])
    assert bucket.release_quiet_keys() == 1
    assert feed(bucket, store, 3_000, []) == [], "a label at 3,100 would count"
    # beats: packs without rows
    (out,) = feed(bucket, store, 4_000, [])
    assert (out.key, out.kind, out.time_ms, out.label, out.lag_ms) == ("a", "outcome", 4_000, 0.0, None)
    assert feed(bucket, store, 5_000, []) == []
    again = opened(store.copy(), rules(timeout_ms=3_000, negative_after_timeout=True))
    assert [row.kind for row in feed(again, store, 9_000, [two])] == ["prediction"], "it timed out twice"


def test_keys_that_only_get_labels_have_no_model() -> None:
    store = DictStore()
    hosted = Hosted("CHAIN", {}, ChainLearners(), policy=SOON)
    bucket = LabelledBucket(hosted, rules(), store, Counters(), Tally())
    feed(bucket, store, 0, [Event(i, 1, i, f"k{i}", i, (), 1.0) for i in range(40)])
    assert hosted.pool.nbytes == 0
    assert opened(store.copy(), rules()).release_quiet_keys() == 0


def test_idle_keys_are_forgotten_with_what_they_closed() -> None:
    store, tally = DictStore(), Tally()
    bucket = opened(store, rules(timeout_ms=2_000), SnapshotPolicy(1, 1), tally, idle_ms=5_000)
    STREAM_KEYS[:] = [Event(0, 0, 0, "a", 1, (1.0, 1.0)), Event(20_000, 0, 1, "a", 1, (1.0, 1.0))]
    feed(bucket, store, 0, STREAM_KEYS[:1])
    feed(bucket, store, 1_000, [Event(1_000, 1, 2, "a", 1, (), 1.0)])
    assert [key for key in store.snapshots if key != BESIDE]
    # its one deadline is void: the label came
    out = feed(bucket, store, 20_000, STREAM_KEYS[1:])
    assert [row.version for row in out] == [0] and tally.labels_timed_out == 0


def test_a_key_that_times_out_and_is_idle_in_one_pack_begins_anew() -> None:
    """The old model learns the negative and is forgotten; the new one, in the same slot, must not learn it."""
    store = DictStore()
    STREAM_KEYS[:] = [Event(0, 0, 0, "a", 1, (1.0, 1.0)), Event(20_000, 0, 1, "a", 2, (1.0, 1.0))]
    given = rules(timeout_ms=2_000, negative_after_timeout=True)
    bucket = opened(store, given, NEVER, idle_ms=5_000)
    feed(bucket, store, 0, STREAM_KEYS[:1])
    closed, made = feed(bucket, store, 20_000, STREAM_KEYS[1:])
    assert (closed.kind, closed.label, closed.of) == ("outcome", 0.0, 0)
    assert (made.kind, made.version, made.prediction) == ("prediction", 0, Chain().predict((1.0, 1.0)))
    again = opened(store.copy(), given, NEVER, idle_ms=5_000)
    (outcome,) = feed(again, store, 21_000, [Event(21_000, 1, 2, "a", 2, (), 1.0)])
    assert outcome.prediction == made.prediction


def test_a_long_log_is_allowed_where_much_waits() -> None:
    """Each fold writes all that waits: of 400 rows waiting and a fold every 10 records most bytes would be repeats."""
    store, counters = DictStore(), Counters()
    bucket = opened(store, rules(), SnapshotPolicy(10, 10**9), counters=counters)
    STREAM_KEYS[:] = [Event(i, 0, i, "a", i, (1.0, 2.0)) for i in range(400)]
    for i in range(0, 400, 10):
        feed(bucket, store, i, STREAM_KEYS[i : i + 10])
    assert 5 <= counters.snapshots <= 8, "it should double"
