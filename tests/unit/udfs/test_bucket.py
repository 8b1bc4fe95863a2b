"""A bucket gives the same results whenever it is interrupted, however its rows are cut, whatever leaves memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import SnapshotError
from tests.unit.udfs.bucket_parts import ChainPool, DictStore, Rows, packs, random_rows
from udfs.bucket import SWEEP_EVERY, Bucket, Counters, Hosted, SnapshotPolicy
from udfs.replay_log import StateMismatchError, encode_snapshot, key_text

KEYS: list[Any] = ["a", "b", None, "ü", "d", 'quote"', "e"]
NEVER = SnapshotPolicy(10**9, 10**9)
SOON = SnapshotPolicy(17, 10**9)


def hosted(
    policy: SnapshotPolicy = SOON, idle_ms: int | None = None, pool: ChainPool | None = None, **parameters: Any
) -> Hosted:
    return Hosted("CHAIN", {"length": 3, **parameters}, pool or ChainPool(), idle_ms=idle_ms, policy=policy)


def scores_of(rows: Rows, batch_ms: int = 1_000, idle_ms: int | None = None) -> list[float]:
    """The oracle: a chain a key, begun anew where the key was away for longer than `idle_ms` at a pack's start."""
    pool, slots, last = ChainPool(), {}, {}
    scores: list[float] = []
    for start_ms, pack in packs(rows, batch_ms):
        for key in set(pack.keys):
            if key not in slots or (idle_ms is not None and start_ms - last[key] > idle_ms):
                slots[key] = pool.open()
        for key, time_ms, values in zip(pack.keys, pack.times_ms, pack.values, strict=True):
            last[key] = int(time_ms)
            one = pool.process(np.array([slots[key]], np.int32), np.array([time_ms]), values[None, :])
            scores += one["score"].tolist()
    return scores


def feed(bucket: Bucket, store: DictStore, cut: list[tuple[int, Rows]]) -> list[float]:
    scores: list[float] = []
    for start_ms, rows in cut:
        scores += bucket.process(rows.keys, rows.times_ms, rows.values, start_ms, store)["score"].tolist()
    return scores


@pytest.mark.parametrize("policy", [NEVER, SOON, SnapshotPolicy(1, 10**9), SnapshotPolicy(10**9, 1_500)])
@pytest.mark.parametrize("idle_ms", [None, 1_500])
def test_a_crash_between_any_two_packs_changes_nothing(policy: SnapshotPolicy, idle_ms: int | None) -> None:
    rows = random_rows(160, seed=1, keys=KEYS, step_ms=150)
    cut, expected = packs(rows, 1_000), scores_of(rows, idle_ms=idle_ms)
    store, checkpoints = DictStore(), []
    bucket = Bucket(hosted(policy, idle_ms), store, Counters())
    assert feed(bucket, store, []) == []
    got: list[float] = []
    for start_ms, pack in cut:
        checkpoints.append((len(got), store.copy()))
        got += feed(bucket, store, [(start_ms, pack)])
    assert got == expected
    assert len(set(got)) > 100, "the scores say nothing"
    for number, (done, checkpoint) in enumerate(checkpoints):
        again = Bucket(hosted(policy, idle_ms), checkpoint, Counters())
        assert feed(again, checkpoint, cut[number:]) == expected[done:], f"restored before pack {number}"
        # idle bytes may go in another round
        assert idle_ms is not None or checkpoint == store, "equal rows, equal state"


def test_a_second_crash_before_the_first_pack_changes_nothing() -> None:
    rows = random_rows(100, seed=2, keys=KEYS)
    cut, expected = packs(rows, 500), scores_of(rows)
    store = DictStore()
    feed(Bucket(hosted(), store, Counters()), store, cut[:4])
    for _ in range(3):
        counters = Counters()
        again = Bucket(hosted(), store, counters)
        assert counters.replayed_records == counters.log_records
    done = sum(len(pack) for _, pack in cut[:4])
    assert feed(again, store, cut[4:]) == expected[done:]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([100, 700, 1_000, 10_000]),
    st.sets(st.integers(0, 200), max_size=6),
    st.sets(st.integers(0, 200), max_size=6),
    st.integers(1, 60),
    st.sampled_from([300, 1_000, 10**9]),
)
def test_cuts_crashes_snapshots_and_releases_change_nothing(
    seed: int, batch_ms: int, crashes: set[int], releases: set[int], records: int, size: int
) -> None:
    rows = random_rows(120, seed=seed, keys=KEYS)
    store, got, policy = DictStore(), [], SnapshotPolicy(records, size)
    bucket = Bucket(hosted(policy), store, Counters())
    for number, pack in enumerate(packs(rows, batch_ms)):
        if number in crashes:
            bucket = Bucket(hosted(policy), store, Counters())
        if number in releases:
            bucket.release_quiet_keys()
        got += feed(bucket, store, [pack])
    assert got == scores_of(rows)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1_000, 1_500, 4_000]),
    st.sets(st.integers(0, 200), max_size=6),
    st.sets(st.integers(0, 200), max_size=6),
    st.integers(1, 40),
)
def test_idle_keys_are_forgotten_at_the_same_moment_in_every_run(
    seed: int, idle_ms: int, crashes: set[int], releases: set[int], records: int
) -> None:
    rows = random_rows(120, seed=seed, keys=KEYS, step_ms=250)
    store, got, policy = DictStore(), [], SnapshotPolicy(records, 10**9)
    bucket = Bucket(hosted(policy, idle_ms), store, Counters())
    for number, pack in enumerate(packs(rows, 1_000)):
        if number in crashes:
            bucket = Bucket(hosted(policy, idle_ms), store, Counters())
        if number in releases:
            bucket.release_quiet_keys()
        got += feed(bucket, store, [pack])
    assert got == scores_of(rows, idle_ms=idle_ms)


# -------------------------------------------------------------------- idle, at its boundaries


def one(key: Any, time_ms: int) -> tuple[int, Rows]:
    """A pack of one row."""
    return time_ms // 1_000 * 1_000, Rows([key], np.array([time_ms], np.int64), np.array([[float(time_ms % 97)]]))


@pytest.mark.parametrize("where", ["in the log", "in a snapshot", "released", "restored", "restored log"])
@pytest.mark.parametrize(("back_ms", "absent"), [(14_999, False), (15_999, False), (16_000, True), (60_000, True)])
def test_a_key_is_absent_once_its_last_row_is_older_than_idle_at_a_packs_start(
    where: str, back_ms: int, absent: bool
) -> None:
    """Last row at 5,000, idle 10,000: the pack from 15,000 still knows it, that from 16,000 no longer."""
    logged = where in ("in the log", "restored log")
    policy = NEVER if logged else SnapshotPolicy(1, 1)
    store = DictStore()
    bucket = Bucket(hosted(policy, 10_000), store, Counters())
    feed(bucket, store, [one("k", 5_000)])
    assert bool(store.log) is logged and bool(store.snapshots) is not logged
    if where == "released":
        assert bucket.release_quiet_keys() == 1
    if where.startswith("restored"):
        bucket = Bucket(hosted(policy, 10_000), store, Counters())
    scores = feed(bucket, store, [one("k", back_ms)])
    assert (scores == [0.0]) is absent
    # and the same after one more restart
    again = Bucket(hosted(policy, 10_000), store.copy(), Counters())
    following = [one("k", back_ms + 1_000)]
    assert feed(again, store.copy(), following) == feed(bucket, store, following)


def test_a_key_that_comes_back_and_goes_again_counts_from_its_last_row() -> None:
    store = DictStore()
    bucket = Bucket(hosted(NEVER, 10_000), store, Counters())
    times = [5_000, 14_000, 23_000, 34_000, 40_000]
    scores = feed(bucket, store, [one("k", time) for time in times])
    assert [score == 0.0 for score in scores] == [True, False, False, True, False]


def test_idle_keys_leave_memory_and_state() -> None:
    store, counters, pool = DictStore(), Counters(), ChainPool()
    bucket = Bucket(hosted(SnapshotPolicy(1, 1), 10_000, pool), store, counters)
    feed(bucket, store, [one("quiet", 5_000), one("busy", 6_000)])
    assert set(store.snapshots) == {key_text("quiet"), key_text("busy")}
    feed(bucket, store, [one("busy", 14_000), one("busy", 20_000)])
    assert set(store.snapshots) == {key_text("busy")}
    assert (len(pool.models), counters.keys_live, counters.keys_idled) == (1, 1, 1)


def test_a_sweep_removes_idle_bytes_that_are_not_in_memory() -> None:
    policy, store = SnapshotPolicy(1, 1), DictStore()
    bucket = Bucket(hosted(policy, 10_000), store, Counters())
    feed(bucket, store, [one("quiet", 5_000), one("busy", 6_000)])
    bucket = Bucket(hosted(policy, 10_000), store, Counters())  # `quiet` is in the state only now
    busy = [one("busy", 7_000 + 1_000 * i) for i in range(SWEEP_EVERY)]
    feed(bucket, store, busy[:-1])
    assert key_text("quiet") in store.snapshots
    feed(bucket, store, busy[-1:])
    assert set(store.snapshots) == {key_text("busy")}


def test_a_sweep_spares_what_is_not_idle() -> None:
    policy, store = SnapshotPolicy(1, 1), DictStore()
    feed(Bucket(hosted(policy, 10**8), store, Counters()), store, [one("quiet", 5_000)])
    bucket = Bucket(hosted(policy, 10**8), store, Counters())
    feed(bucket, store, [one("busy", 7_000 + 1_000 * i) for i in range(2 * SWEEP_EVERY)])
    assert key_text("quiet") in store.snapshots
    assert feed(bucket, store, [one("quiet", 90_000)]) != [0.0]


# -------------------------------------------------------------------- what is kept where


def test_the_log_ends_in_the_call_that_snapshots() -> None:
    rows = random_rows(50, seed=3, keys=["a", "b"])
    store, counters = DictStore(), Counters()
    bucket = Bucket(hosted(SnapshotPolicy(20, 10**9)), store, counters)
    logged = 0
    for start_ms, pack in packs(rows, 200):
        feed(bucket, store, [(start_ms, pack)])
        logged += len(pack)
        if logged >= 20:
            logged = 0
            assert store.log == []
        else:
            assert len(store.log) > 0
        assert counters.log_records == logged
    assert counters.snapshots > 0 and counters.snapshot_bytes > 0


def test_only_keys_of_the_log_are_written_again() -> None:
    store, counters = DictStore(), Counters()
    bucket = Bucket(hosted(SnapshotPolicy(1, 1)), store, counters)
    feed(bucket, store, [one("a", 1_000), one("b", 2_000)])
    first = store.snapshots[key_text("a")]
    feed(bucket, store, [one("b", 3_000)])
    assert counters.snapshots == 3
    assert store.snapshots[key_text("a")] is first


def test_a_pack_of_no_rows_is_not_logged() -> None:
    store = DictStore()
    bucket = Bucket(hosted(), store, Counters())
    nothing = Rows([], np.empty(0, np.int64), np.empty((0, 2)))
    outputs = bucket.process(nothing.keys, nothing.times_ms, nothing.values, 1_000, store)
    assert outputs["score"].tolist() == []
    assert store.log == [] and store.header is not None


def test_release_keeps_what_only_memory_has() -> None:
    store, counters, pool = DictStore(), Counters(), ChainPool()
    bucket = Bucket(hosted(SnapshotPolicy(2, 10**9), pool=pool), store, counters)
    feed(bucket, store, [one("old", 1_000), one("old", 1_001), one("new", 2_000)])
    assert bucket.release_quiet_keys() == 1
    assert counters.keys_live == len(pool.models) == 1
    assert bucket.release_quiet_keys() == 0
    assert feed(bucket, store, [one("new", 3_000)]) != [0.0]
    assert feed(bucket, store, [one("old", 3_500)]) != [0.0]
    assert pool.loaded == 1


def test_close_gives_all_memory_back_and_keeps_the_state() -> None:
    store, pool = DictStore(), ChainPool()
    rows = random_rows(60, seed=4, keys=KEYS)
    bucket = Bucket(hosted(pool=pool), store, Counters())
    cut, expected = packs(rows, 300), scores_of(rows)
    done = feed(bucket, store, cut[:5])
    before = store.copy()
    bucket.close()
    assert pool.nbytes == 0 and store == before
    assert done + feed(Bucket(hosted(pool=pool), store, Counters()), store, cut[5:]) == expected


def test_buckets_of_one_pool_do_not_meet() -> None:
    """All buckets of a host share a pool; the same key in two of them is two models."""
    pool, stores = ChainPool(), [DictStore(), DictStore()]
    both = [Bucket(hosted(pool=pool), store, Counters()) for store in stores]
    rows = [random_rows(80, seed=seed, keys=KEYS) for seed in (5, 6)]
    cuts = [packs(each, 500) for each in rows]
    got: list[list[float]] = [[], []]
    for i in range(max(map(len, cuts))):
        for j in (0, 1):
            got[j] += feed(both[j], stores[j], cuts[j][i : i + 1])
    assert got == [scores_of(each) for each in rows]


def test_a_key_of_many_rows_in_one_pack_is_opened_once() -> None:
    pool, store = ChainPool(), DictStore()
    bucket = Bucket(hosted(pool=pool), store, Counters())
    rows = random_rows(200, seed=7, keys=[("a", 1), ("a", None), (None, "a"), ("a", "1")], step_ms=1)
    assert feed(bucket, store, [(0, rows)]) == scores_of(rows, batch_ms=10**13)
    assert pool.opened == 4


# -------------------------------------------------------------------- refusals


def test_state_of_other_parameters_or_another_function_is_refused() -> None:
    store = DictStore()
    feed(Bucket(hosted(), store, Counters()), store, [one("a", 1_000)])
    with pytest.raises(StateMismatchError, match="length 3 -> 4"):
        Bucket(hosted(length=4), store, Counters())
    with pytest.raises(StateMismatchError, match="saved state is of CHAIN, the file calls OTHER"):
        Bucket(Hosted("OTHER", {"length": 3}, ChainPool()), store, Counters())


def test_how_often_to_snapshot_and_when_to_forget_may_change() -> None:
    rows = random_rows(120, seed=8, keys=KEYS)
    cut, expected = packs(rows, 300), scores_of(rows)
    store, got = DictStore(), []
    for number, policy in enumerate([SOON, SnapshotPolicy(1, 1), NEVER, SnapshotPolicy(60, 900)]):
        part = cut[number * len(cut) // 4 : (number + 1) * len(cut) // 4]
        got += feed(Bucket(hosted(policy, 10**9), store, Counters()), store, part)
    assert got == expected


def test_damaged_log_is_refused() -> None:
    store = DictStore()
    feed(Bucket(hosted(NEVER), store, Counters()), store, [one("a", 1_000), one("a", 2_000)])
    damaged = bytearray(store.log[1])
    damaged[-1] ^= 1
    store.log[1] = bytes(damaged)
    with pytest.raises(SnapshotError, match="log entry: checksum"):
        Bucket(hosted(NEVER), store, Counters())


@pytest.mark.parametrize("part", ["frame", "model"])
def test_damaged_snapshot_is_refused_with_its_key(part: str) -> None:
    store = DictStore()
    feed(Bucket(hosted(SnapshotPolicy(1, 1)), store, Counters()), store, [one("ü", 1_000)])
    if part == "frame":
        store.snapshots[key_text("ü")] = store.snapshots[key_text("ü")][:-1]
    else:
        store.snapshots[key_text("ü")] = encode_snapshot(1_000, b"not a chain")
    bucket = Bucket(hosted(SnapshotPolicy(1, 1)), store, Counters())
    with pytest.raises(SnapshotError, match=r'key \["ü"\]'):
        feed(bucket, store, [one("ü", 2_000)])
