"""The arithmetic of the market's demonstration: what adds up, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.demo.market import Board
from jobs.demo.market_counts import (
    ALERTS,
    ARBITRAGE,
    BARS,
    PREDICTIONS,
    QUOTES,
    TRADES,
    WINDOWS,
    count,
    newest,
    together,
)
from jobs.demo.market_view import line


def at(second: int) -> str:
    return f"2024-08-08T00:00:{second:02d}.000Z"


def topics() -> dict[str, list[dict[str, Any]]]:
    """Two bars of one symbol; a trade and a quote behind the last."""
    of = {"venue": "v", "symbol": "s"}
    return {
        TRADES: [{"event_time": at(second)} for second in (0, 3, 7, 12)],
        QUOTES: [{"event_time": at(second)} for second in (1, 6, 11)],
        WINDOWS: [of | {"window_end": at(second)} for second in (4, 5, 6, 10)],
        BARS: [
            of | {"window_end": at(5), "trades": 2, "quotes": 1, "bid": 1.0},
            of | {"window_end": at(10), "trades": 1, "quotes": 1, "bid": 1.0},
        ],
        PREDICTIONS: [of | {"window_end": at(5), "signal": "BUY"}, of | {"window_end": at(10), "signal": None}],
        ARBITRAGE: [{"arbitrage_event": event} for event in ("open", "update", "close", "open")],
        ALERTS: [
            {"kind": "GAP", "state": "open"},
            {"kind": "STALE", "state": "open"},
            {"kind": "STALE", "state": "close"},
        ],
    }


def counted(given: dict[str, list[dict[str, Any]]], **more: Any) -> Any:
    told: dict[str, Any] = {
        "sent": {TRADES: 4, QUOTES: 3}, "frames_sent": 9, "frames_collected": 9,
        "refused": {TRADES: (0, 0), QUOTES: (0, 0)}, "bar_ms": 5_000,
    }  # fmt: skip
    return count(given, **(told | more))


def test_everything_has_its_place() -> None:
    counts = counted(topics())
    assert counts.consistent
    assert (counts.trades.in_bars, counts.trades.pending, counts.quotes.in_bars, counts.quotes.pending) == (3, 1, 2, 1)
    assert (counts.windows, counts.closing_windows, counts.bars, counts.signals) == (4, 2, 2, 1)
    assert (counts.episodes, counts.closed_episodes, counts.alerts) == (2, 1, {"GAP": 1, "STALE": 1})


@pytest.mark.parametrize("topic", [TRADES, QUOTES, WINDOWS, BARS, PREDICTIONS])
def test_a_record_that_is_missing_does_not_add_up(topic: str) -> None:
    given = topics()
    del given[topic][-1]
    assert not counted(given).consistent


@pytest.mark.parametrize(
    "more",
    [{"frames_collected": 8}, {"sent": {TRADES: 5, QUOTES: 3}}, {"refused": {TRADES: (1, 0), QUOTES: (0, 0)}}],
    ids=lambda more: next(iter(more)),
)
def test_what_the_feeds_tell_has_to_fit(more: dict[str, Any]) -> None:
    assert not counted(topics(), **more).consistent


def test_accuracies_count_by_moves() -> None:
    base = {"baseline_up": 0.5, "baseline_same": 0.5, "baseline_opposite": 0.5, "inverse_accuracy": 0.5, "brier": 0.25}
    rows = [
        {"venue": "a", "symbol": "x", "window_end": at(1), "moves": 5, "accuracy": 0.0, **base},
        {"venue": "a", "symbol": "x", "window_end": at(2), "moves": 10, "accuracy": 0.8, **base},
        {"venue": "b", "symbol": "x", "window_end": at(2), "moves": 30, "accuracy": 0.4, **base},
        {"venue": "c", "symbol": "x", "window_end": at(2), "moves": 0, "accuracy": None},
    ]
    found = together(newest(rows).values())
    assert found["moves"] == 40 and found["accuracy"] == pytest.approx(0.5)
    assert together([]) == {}


def test_a_board_on_one_line() -> None:
    board = Board(state="running")
    board.add(TRADES, [b"{}"])
    board.add(ALERTS, [b'{"kind": "GAP"}'])
    assert line(board) == (
        "1 trades, 0 quotes; 0 bars, 0 predictions, 0 arbitrage events, 1 alerts; the job is running"
    )
