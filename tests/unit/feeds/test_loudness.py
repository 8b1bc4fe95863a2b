from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from feeds.blocks import Block
from feeds.loudness import in_step, loudness, room_records, rooms
from feeds.room import room


def block(offset_s: float, *samples: float, onset: str = "") -> Block:
    return Block(offset_s, 0.05, np.array(samples), onset=onset)


def test_a_record_has_device_event_time_and_volume() -> None:
    (sent,) = loudness([("küche", block(0.0, 0.3, 0.4))], start_ms=1_767_225_600_000, gain=10.0)
    assert sent.topic == "loudness" and sent.key == "küche".encode() and not sent.truth
    assert sent.value == '{"device":"küche","event_time":"2026-01-01T00:00:00.000Z","volume":5.0}'.encode()
    assert sent.partition is None


def test_event_times_keep_the_pace_of_the_source_whatever_the_speed() -> None:
    blocks = [("d", block(n * 0.05, 0.1)) for n in range(100)]
    for speed in (0.0, 0.5, 1.0, 10.0):
        sent = list(loudness(blocks, start_ms=500, speed=speed))
        times = [json.loads(record.value)["event_time"] for record in sent]
        assert times[0] == "1970-01-01T00:00:00.500Z"
        assert times[1] == "1970-01-01T00:00:00.550Z"
        assert times[99] == "1970-01-01T00:00:05.450Z"
        assert len(set(times)) == 100
        if speed:  # due at the end of its block, at that speed
            assert [r.due_s for r in sent] == pytest.approx([(n + 1) * 0.05 / speed for n in range(100)])
        else:
            assert {r.due_s for r in sent} == {None}


def test_a_shout_is_told_just_before_its_record_at_the_same_time() -> None:
    blocks = [("d", block(0.0, 0.1)), ("d", block(0.05, 0.9, onset="shout")), ("d", block(0.1, 0.9))]
    sent = list(loudness(blocks, start_ms=0, topic="noise"))
    assert [(r.topic, r.truth) for r in sent] == [
        ("noise", False),
        ("noise-truth", True),
        ("noise", False),
        ("noise", False),
    ]
    assert sent[1].value == b'{"device":"d","event_time":"1970-01-01T00:00:00.050Z","kind":"shout"}'
    assert sent[1].key == b"d" and sent[1].due_s == sent[2].due_s


def test_seconds_count_blocks_that_begin_before() -> None:
    blocks = (("d", block(n * 0.05, 0.1)) for n in itertools.count())
    assert len(list(loudness(blocks, start_ms=0, seconds=2.0))) == 40


def test_a_sample_that_is_no_number_never_becomes_a_record() -> None:
    with pytest.raises(ValueError, match="JSON"):
        list(loudness([("d", block(0.0, math.nan))], start_ms=0))


def test_devices_take_turns_and_one_alone_keeps_its_name() -> None:
    assert list(rooms("hall", count=1, seed=1)) == ["hall"]
    three = rooms("hall", count=3, seed=1)
    assert list(three) == ["hall-1", "hall-2", "hall-3"]
    taken = list(itertools.islice(in_step(three), 7))
    assert [name for name, _ in taken] == ["hall-1", "hall-2", "hall-3"] * 2 + ["hall-1"]
    assert [b.offset_s for _, b in taken] == [0.0, 0.0, 0.0, 0.05, 0.05, 0.05, 0.1]
    for index, name in enumerate(("hall-1", "hall-2", "hall-3")):
        alone = room(1, index=index)
        for mine in [b for n, b in taken if n == name]:
            assert mine.samples.tolist() == next(alone).samples.tolist()


def test_room_records_are_what_the_feed_sends_with_nothing_after_the_last() -> None:
    records = room_records(7, 1500, device="hall", devices=2, start_ms=1_000)
    data = [json.loads(r.value) for r in records if not r.truth]
    truth = [json.loads(r.value) for r in records if r.truth]
    assert len(data) == 1500 and not records[-1].truth
    assert records == room_records(7, 1500, device="hall", devices=2, start_ms=1_000)
    assert room_records(7, 900, device="hall", devices=2, start_ms=1_000) == [
        r for r in records[: records.index([r for r in records if not r.truth][899]) + 1]
    ]
    # the truth, held against an independent look at the sound
    for index, name in enumerate(("hall-1", "hall-2")):
        blocks = list(itertools.islice(room(7, index=index), 750))
        onsets = [1_000 + 50 * n for n, b in enumerate(blocks) if b.onset]
        assert onsets
        told = [t["event_time"] for t in truth if t["device"] == name]
        assert told == [f"1970-01-01T00:00:{ms // 1000:02d}.{ms % 1000:03d}Z" for ms in onsets]
        volumes = [row["volume"] for row in data if row["device"] == name]
        exact = [math.sqrt(math.fsum((b.samples**2).tolist())) * 10.0 for b in blocks]
        assert volumes == pytest.approx(exact, abs=0.00051)
        assert all(isinstance(v, float) and round(v, 3) == v for v in volumes)
