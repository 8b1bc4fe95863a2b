from __future__ import annotations

import io

import pytest

from feeds.replay import Replay, key_of

POISON = [
    b'{"device":"a","volume":1}',
    b"",
    b"not json",
    b'{"device": "a"',
    b"\xff\xfe\x00\x80",
    b'{"device":"a","volume":NaN}\r',
    b"[" * 10_000,
    b'{"device":null}',
    b'{"device":{"x":1}}',
    b'{"device":"\\ud800"}',
    b'[{"device":"a"}]',
    b"  ",
]


def test_bytes_stay_as_they_are() -> None:
    file = io.BytesIO(b"\n".join(POISON) + b"\n")
    sent = list(Replay("t", key_column="device").records(file))
    assert [record.value for record in sent] == POISON


def test_the_last_line_needs_no_line_feed() -> None:
    sent = list(Replay("t").records(io.BytesIO(b"one\n\ntwo")))
    assert [(r.topic, r.key, r.value, r.due_s) for r in sent] == [
        ("t", None, b"one", None),
        ("t", None, b"", None),
        ("t", None, b"two", None),
    ]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b'{"k":"room \xc3\xa4"}', "room ä".encode()),
        (b'{"k":""}', b""),
        (b'{"k":12}', b"12"),
        (b'{"k":1.5}', b"1.5"),
        (b'{"k":true}', b"true"),
        (b'{"k":null}', None),
        (b'{"k":[1]}', None),
        (b'{"other":1}', None),
        (b'"k"', None),
        *[(line, None) for line in POISON[1:5]],
        (POISON[6], None),
        (POISON[9].replace(b"device", b"k"), None),
    ],
)
def test_key_of_a_line(value: bytes, key: bytes | None) -> None:
    assert key_of(value, "k") == key


def test_lines_without_a_key_are_counted() -> None:
    how = Replay("t", key_column="device")
    keys = [record.key for record in how.records(POISON)]
    assert keys == [b"a"] + [None] * 4 + [b"a"] + [None] * 6
    assert how.without_key == 10


def test_a_partition_for_all() -> None:
    assert {r.partition for r in Replay("t", "device", partition=3).records(POISON)} == {3}


def test_by_hash_a_line_without_a_key_always_lands_in_the_same_partition() -> None:
    lines = [f"line {n}".encode() for n in range(400)]
    how = Replay("t", hash_partitions=4)
    parts = [r.partition for r in how.records(lines)]
    assert parts == [r.partition for r in how.records(lines)]
    assert {parts.count(p) > 60 for p in range(4)} == {True}
    # Kafka's own hash of the value 21 bytes long (KafkaProducer's test vectors: murmur2(b"21") = -973932308)
    (known,) = Replay("t", hash_partitions=7).records([b"21"])
    assert known.partition == (-973932308 & 0x7FFFFFFF) % 7


def test_keyed_lines_leave_the_partition_to_kafka() -> None:
    (sent,) = Replay("t", "device", hash_partitions=4).records(POISON[:1])
    assert sent.key == b"a" and sent.partition is None


def test_rate() -> None:
    assert [r.due_s for r in Replay("t", rate=4.0).records([b"x"] * 4)] == [0.0, 0.25, 0.5, 0.75]
