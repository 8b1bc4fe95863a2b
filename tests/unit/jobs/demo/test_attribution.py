"""Whose rows an application wrote that carry no time: told from their second, their place and their volume."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from itertools import groupby

import pytest

from jobs.demo.attribution import Attribution

T0 = 1_790_000_000_000


def given(milliseconds: int, volume: float) -> bytes:
    moment = datetime.fromtimestamp((T0 + milliseconds) / 1000, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"
    return json.dumps({"device": "room", "event_time": text, "volume": volume}).encode()


def wrote(volume: int, score: float) -> bytes:
    return json.dumps({"volume": volume, "ANOMALY_SCORE": score}).encode()


def inputs(seconds: int, dice: random.Random) -> list[tuple[int, float, float]]:
    """(milliseconds, volume, score): twenty a second, whose whole volumes are unlike within it."""
    return [
        (1000 * second + 50 * n, volume + 0.75, dice.random())
        for second in range(seconds)
        for n, volume in enumerate(dice.sample(range(100), 20))
    ]


def sorted_by_second(rows: list[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    return [row for _, group in groupby(rows, lambda r: r[0] // 1000) for row in sorted(group, key=lambda r: -r[2])]


def identity(rows: list[bytes]) -> list[tuple[str, float, float]]:
    return [(row["event_time"], row["volume"], row["anomaly_score"]) for row in map(json.loads, rows)]


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_each_row_finds_its_input_however_topics_are_read(chunk: int) -> None:
    rows = inputs(8, random.Random(5))
    # a late row of the third second and a refused one of the fifth are read and not written
    missing = {rows[45], rows[90]}
    out = [row for row in sorted_by_second(rows) if row not in missing and row[0] < 7000]
    expected = [(json.loads(given(ms, volume))["event_time"], volume, score) for ms, volume, score in out]
    reading, writing, attribution = iter(rows), iter(out), Attribution()
    found: list[bytes] = []
    for _ in range(len(rows)):
        found += attribution.written(wrote(int(v), s) for _, (_, v, s) in zip(range(chunk), writing, strict=False))
        found += attribution.read(given(ms, v) for _, (ms, v, _) in zip(range(chunk), reading, strict=False))
    assert identity(found) == expected
    assert attribution.astray == 0


def test_a_row_that_no_input_belongs_to_is_astray() -> None:
    attribution = Attribution()
    attribution.read([given(0, 5.2), given(1500, 6.0), b"not json", None])
    assert len(attribution.written([wrote(5, 1.0), wrote(5, 1.0)])) == 1
    assert attribution.astray == 1
