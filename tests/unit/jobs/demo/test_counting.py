"""Counting what became of records: every combination of fates, and what must not add up."""

from __future__ import annotations

import json
import random

import pytest

from jobs.demo.counting import Counts, counts
from jobs.stack.kafka_read import Record

#: A whole pack boundary, and a time somewhere in it.
T0 = 1_790_000_000_000


def at(milliseconds: int) -> str:
    seconds, rest = divmod(T0 + milliseconds, 1000)
    import datetime

    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{rest:03d}Z"


def row(offset: int, milliseconds: int, *, partition: int = 0, mark: int = 0) -> Record:
    value = {"device": "a", "event_time": at(milliseconds), "mark": mark}
    return Record(partition, offset, T0, b"a", json.dumps(value).encode())


def reject(offset: int, partition: int = 0) -> Record:
    value = {"topic": "loudness", "partition": partition, "offset": offset, "reason": "not_json"}
    return Record(0, offset, T0, None, json.dumps(value).encode())


def test_rows_behind_the_last_scored_pack_are_pending() -> None:
    read = [row(i, 100 * i) for i in range(25)]
    scored = read[:20]  # packs [0, 1) and [1, 2)
    result = counts(read, scores=scored, rejects=[], late=[], batch_ms=1000)
    assert result == Counts(25, 20, 0, 0, 5, T0 + 2000)
    assert result.consistent


def test_a_row_lost_in_a_scored_pack_is_not_taken_for_pending() -> None:
    read = [row(i, 100 * i) for i in range(25)]
    scored = [*read[:7], *read[8:20]]
    result = counts(read, scores=scored, rejects=[], late=[], batch_ms=1000)
    assert (result.scored, result.pending) == (19, 5)
    assert not result.consistent
    assert result.read - result.accounted == 1


def test_a_row_scored_twice_does_not_add_up() -> None:
    read = [row(i, 100 * i) for i in range(10)]
    result = counts(read, scores=[*read, read[3]], rejects=[], late=[], batch_ms=1000)
    assert result.accounted == 11
    assert not result.consistent


def test_a_rejected_record_is_not_pending_whatever_its_time() -> None:
    future = row(2, 10**9)
    broken = Record(0, 3, T0, None, b"\xff{")
    read = [row(0, 0), row(1, 100), future, broken, Record(0, 4, T0, None, None)]
    result = counts(read, scores=read[:2], rejects=[reject(2), reject(3), reject(4)], late=[], batch_ms=1000)
    assert result == Counts(5, 2, 3, 0, 0, T0 + 1000)
    assert result.consistent


def test_a_reject_of_another_partition_excuses_nobody() -> None:
    read = [row(0, 0), row(1, 5000)]
    result = counts(read, scores=read[:1], rejects=[reject(1, partition=1)], late=[], batch_ms=1000)
    assert (result.rejected, result.pending) == (1, 1)
    assert not result.consistent


def test_late_rows_are_counted_once_even_where_their_pack_was_never_scored() -> None:
    # a pack that held nothing but late rows leaves no score, so its rows lie behind the last scored one
    late = row(1, 1500)
    read = [row(0, 0), late, row(2, 2500)]
    result = counts(read, scores=read[:1], rejects=[], late=[Record(0, 0, T0, None, late.value)], batch_ms=1000)
    assert result == Counts(3, 1, 0, 1, 1, T0 + 1000)
    assert result.consistent


def test_two_equal_rows_of_which_one_was_late() -> None:
    twin, other = row(1, 1500), row(2, 1500)
    assert twin.value == other.value
    read = [row(0, 0), twin, other]
    result = counts(read, scores=read[:1], rejects=[], late=[twin], batch_ms=1000)
    assert (result.late, result.pending, result.consistent) == (1, 1, True)


def test_nothing_scored_yet() -> None:
    read = [row(i, 100 * i) for i in range(3)]
    result = counts(read, scores=[], rejects=[], late=[], batch_ms=1000)
    assert result == Counts(3, 0, 0, 0, 3, 0)
    assert result.consistent


def test_an_unreadable_record_that_nobody_rejected_is_missing() -> None:
    read = [row(0, 0), Record(0, 1, T0, None, b"not json")]
    result = counts(read, scores=read[:1], rejects=[], late=[], batch_ms=1000)
    assert not result.consistent


@pytest.mark.parametrize("batch_ms", [200, 1000, 10_000])
def test_any_mixture_of_fates_adds_up_and_a_missing_score_does_not(batch_ms: int) -> None:
    chance = random.Random(batch_ms)
    read, scored, rejects, late = [], [], [], []
    until = 40 * batch_ms
    for offset in range(2000):
        moment = chance.randrange(50 * batch_ms)
        record = row(offset, moment, partition=offset % 2, mark=chance.randrange(3))
        read.append(record)
        fate = chance.random()
        if fate < 0.1:
            rejects.append(reject(offset, offset % 2))
        elif moment < until and fate < 0.2:
            late.append(Record(0, offset, T0, None, record.value))
        elif moment < until:
            scored.append(record)
    result = counts(read, scores=scored, rejects=rejects, late=late, batch_ms=batch_ms)
    assert (result.scored, result.rejected, result.late) == (len(scored), len(rejects), len(late))
    assert result.pending == 2000 - len(scored) - len(rejects) - len(late)
    gone = counts(read, scores=scored[1:], rejects=rejects, late=late, batch_ms=batch_ms)
    assert gone.read - gone.accounted == 1
