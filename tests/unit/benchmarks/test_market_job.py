"""The benchmark of the market's job: what it sends is what collectors send, and its figures add up."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.market.job import DELAY_S, NOBODY, QUOTES, SYMBOLS, TRADES, counted, record, spread, table
from feeds.records import event_time
from jobs.stack.kafka_read import Record

BEGUN = 1_790_000_040_000 // 60_000 * 60_000


def window(end_ms: int, late_ms: int, venue: str = "okx", trades: int = 1, quotes: int = 4) -> Record:
    row = {"venue": venue, "window_end": event_time(end_ms), "trades": trades, "quotes": quotes}
    return Record(0, 0, end_ms + 1_000 * DELAY_S + late_ms, None, json.dumps(row).encode())


def test_records_are_json_with_the_columns_of_the_pipeline() -> None:
    for place, (venue, base, kind) in enumerate(SYMBOLS):
        quote, trade = (json.loads(record(7, event_time(BEGUN), topic, place)) for topic in (QUOTES, TRADES))
        assert quote["ask"] > quote["bid"] > 0 and trade["price"] > 0
        for row in (quote, trade):
            assert (row["venue"], row["base"], row["instrument"]) == (venue, base, kind)
            assert row["event_time"] == row["receive_time"] == event_time(BEGUN)


def test_records_are_counted_once_and_windows_are_timed_from_their_watermark() -> None:
    delays, arrived = counted(
        [window(BEGUN, 200), window(BEGUN + 5_000, 300), window(BEGUN + 60_000, 400), window(BEGUN, 9_000, NOBODY)]
    )
    assert arrived == 10  # whole minutes only: the others overlap
    assert delays == [(BEGUN, 200), (BEGUN + 5_000, 300), (BEGUN + 60_000, 400)]


def test_only_windows_whose_watermark_lies_within_are_timed() -> None:
    delays = [(BEGUN + 1_000 * second, second) for second in range(0, 100)]
    found = spread(delays, BEGUN + 10_000, BEGUN + 53_000)
    assert (found["windows"], found["longest_ms"], found["p50_ms"]) == (41, 50, 30)
    assert found["halves_p50_ms"] == [20, 40]
    assert spread([], 0, 1) == {"windows": 0}


def report(**steady: Any) -> dict[str, Any]:
    part = {
        "wanted": 5_000, "seconds": 60, "sent": 300_000, "begun_ms": 0, "ended_ms": 60_000, "windows": 96,
        "p50_ms": 300, "p99_ms": 900, "longest_ms": 950,
    }  # fmt: skip
    burst = part | {"wanted": 2_500, "seconds": 10, "sent": 25_000, "ended_ms": 10_000}
    found = {"machine": {"cores": 2, "load_before": [0.1], "load_after": [2.0]}, "steady": part | steady}
    return found | {"burst": burst, "lost": 0, "rejected": 0, "late": 0}


def test_the_bar_holds_only_at_the_rate_in_time_and_without_loss() -> None:
    assert table(report()).endswith("none lost: holds")
    assert table(report(p99_ms=1_000)).endswith("does not hold")
    assert table(report(ended_ms=62_000)).endswith("does not hold")
    assert table(report() | {"lost": 1}).endswith("does not hold")
