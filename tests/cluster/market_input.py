"""Trades and quotes of two venues for cluster tests of the market's pipeline, and what its windows must be.

Bit for bit, so everything is made to have one answer: prices are multiples of 1/64, so that sums of them and of their
squares are exact whatever their order; and no two trades of a venue have one time, which would leave to chance which of
them is the first.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from tests.cluster.live_input import LiveInput
from tests.cluster.replay import iso, milliseconds

WINDOW_MS, SLIDE_MS = 4_000, 1_000
VENUES = ("binance-spot", "huobi")
COLUMNS = (
    "trades", "volume", "net_volume", "low_price", "high_price", "open_price", "close_price", "mean_price",
    "std_by_trade", "velocity_by_trade", "duplicates",
)  # fmt: skip
#: Placeholders that go with these lengths.
VALUES = {"window": str(WINDOW_MS // 1_000), "slide": str(SLIDE_MS // 1_000)}


class MarketInput(LiveInput):
    """Trades and quotes in turn, whose quotes cross now and then; `send` is called with topic, values and partition."""

    def __init__(self, send: Callable[[str, list[dict[str, Any]], int], None], **given: Any) -> None:
        super().__init__(self._by_topic, **given)
        self._send = send
        self.sent_to: Counter[str] = Counter()
        self._taken: set[tuple[str, int]] = set()

    def record(self, i: int) -> dict[str, Any]:
        base = super().record(i)
        price = 100 + round(4 * base["volume"]) / 64
        venue, at = VENUES[self.random.randrange(2)], milliseconds(base["event_time"])
        while i % 2 == 0 and (venue, at) in self._taken:
            at += 1
        common = {
            "venue": venue, "symbol": "LINKUSDT", "base": "LINK", "quote": "USDT", "instrument": "spot",
            "event_time": iso(at), "event_time_source": "exchange", "receive_time": iso(at),
        }  # fmt: skip
        if i % 2:
            return common | {"bid": price, "bid_size": 1.0, "ask": price + 1 / 16, "ask_size": 2.0}
        self._taken.add((venue, at))
        return common | {"price": price, "size": 0.5, "side": "buy", "trade_id": str(i)}

    def _by_topic(self, values: list[dict[str, Any]], partition: int) -> None:
        for value in values:
            if value.get("device") == "closing":
                market = {"venue": "nobody", "symbol": "CLOSING", "event_time": value["event_time"]}
                market["receive_time"] = value["event_time"]
                self._put("trades", [market | {"price": 1.0, "size": 1.0}], partition)
                self._put("quotes", [market | {"bid": 1.0, "bid_size": 1.0, "ask": 1.0, "ask_size": 1.0}], partition)
        trades = [value for value in values if "price" in value]
        self._put("trades", trades, partition)
        self._put("quotes", [value for value in values if "bid" in value], partition)

    def _put(self, topic: str, values: list[dict[str, Any]], partition: int) -> None:
        if values:
            self._send(topic, values, partition)
            self.sent_to[topic] += len(values)


def values(records: list[Any]) -> list[dict[str, Any]]:
    """What the records hold."""
    return [json.loads(record.value) for record in records]


def windows(trades: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, float]]:
    """By venue and end of the window, what is to be said of each that has a trade: from all of them, bit for bit."""
    ordered = sorted(trades, key=lambda trade: milliseconds(trade["event_time"]))
    first_price: dict[str, float] = {}
    inside: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for trade in ordered:
        first_price.setdefault(trade["venue"], trade["price"])
        for end in ends_of(trade):
            inside[trade["venue"], end].append(trade)
    return {of: _window([trade["price"] for trade in own], first_price[of[0]]) for of, own in inside.items()}


def _window(prices: list[float], base: float) -> dict[str, float]:
    """The columns of `COLUMNS` by their definitions, squares taken of distances from the price `base`."""
    n, above = len(prices), [price - base for price in prices]
    mean = sum(above) / n
    return {
        "trades": n,
        "volume": 0.5 * n,
        "net_volume": 0.5 * n,
        "low_price": min(prices),
        "high_price": max(prices),
        "open_price": prices[0],
        "close_price": prices[-1],
        "mean_price": base + mean,
        "std_by_trade": math.sqrt(max(0.0, sum(each * each for each in above) / n - mean * mean)),
        "velocity_by_trade": (prices[-1] - prices[0]) / n,
        "duplicates": 0,
    }


def how_many(trades: list[dict[str, Any]], quotes: list[dict[str, Any]]) -> int:
    """Windows that are written about these records, those without a trade too."""
    return len({(row["venue"], end) for row in (*trades, *quotes) for end in ends_of(row)})


def ends_of(row: dict[str, Any]) -> range:
    """Where the windows end that a record lies in."""
    first = milliseconds(row["event_time"]) // SLIDE_MS * SLIDE_MS + SLIDE_MS
    return range(first, first + WINDOW_MS, SLIDE_MS)


def found_windows(records: list[Any]) -> dict[tuple[str, int], dict[str, float]]:
    """What was written, in the form of `windows`; it is in the order of time, and no window came twice."""
    rows = [row for row in values(records) if row["symbol"] != "CLOSING" and row["trades"]]
    found = {(row["venue"], milliseconds(row["window_end"])): {name: row[name] for name in COLUMNS} for row in rows}
    assert len(found) == len(rows), "a window came twice"
    assert [milliseconds(row["window_end"]) for row in rows] == sorted(end for _, end in found)
    return found
