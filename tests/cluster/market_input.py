"""Trades and quotes of two venues for cluster tests of the market's pipelines, and what its windows must be.

Bit for bit, so everything is made to have one answer: prices and sizes are multiples of 1/64, so that sums of them, of
their products and squares are exact whatever their order; and no two trades of a venue have one time, which would leave
to chance which of them is the first.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

from tests.cluster.live_input import LiveInput
from tests.cluster.replay import iso, milliseconds

#: No record is earlier, but for its disorder.
BEGIN_MS = 1_790_000_000_000
WINDOW_MS, SLIDE_MS = 4_000, 1_000
VENUES = ("binance-spot", "huobi")
COLUMNS = (
    "trades", "quotes", "volume", "net_volume", "low_price", "high_price", "open_price", "close_price", "mean_price",
    "vwap", "std_by_trade", "velocity_by_trade", "velocity_by_second", "volatility", "bid", "bid_size", "ask",
    "ask_size", "mean_spread", "quote_age_ms", "crossed", "duplicates", "invalid", "lags", "lag_low", "lag_sum",
)  # fmt: skip
#: Placeholders that go with these lengths.
VALUES = {"window": str(WINDOW_MS // 1_000), "slide": str(SLIDE_MS // 1_000)}
#: For so many windows prices climb, which predictions learn, then for as many they walk, of which nothing can be told.
STRETCH = 80


def _levels(count: int = 10_000) -> list[float]:
    """Around which price trades are made in each window of the market."""
    dice = random.Random(0)
    steps = (3 if number // STRETCH % 2 == 0 else dice.choice((-5, -3, 3, 5)) for number in range(count))
    return [100 + step / 16 for step in accumulate(steps)]


LEVELS = _levels()


class MarketInput(LiveInput):
    """Trades and quotes in turn, whose quotes cross now and then; `send` is called with topic, values and partition."""

    def __init__(self, send: Callable[[str, list[dict[str, Any]], int], None], **given: Any) -> None:
        super().__init__(self._by_topic, **given)
        self._send = send
        self.sent_to: Counter[str] = Counter()
        self._taken: set[tuple[str, int]] = set()

    def record(self, i: int) -> dict[str, Any]:
        base = super().record(i)
        venue, at = VENUES[self.random.randrange(2)], milliseconds(base["event_time"])
        while i % 2 == 0 and (venue, at) in self._taken:
            at += 1
        price = LEVELS[(at - BEGIN_MS) // WINDOW_MS] + round(4 * base["volume"]) / 64
        common = {
            "venue": venue, "symbol": "LINKUSDT", "base": "LINK", "quote": "USDT", "instrument": "spot",
            "event_time": iso(at), "event_time_source": "exchange",
            "receive_time": iso(at + self.random.randrange(200)),
        }  # fmt: skip
        if i % 2:
            ask = price + (1 if self.random.random() < 0.99 else -1) / 16
            sizes = [(1 + self.random.randrange(4)) / 2 for _ in range(2)]
            return common | {"bid": price, "bid_size": sizes[0], "ask": ask, "ask_size": sizes[1]}
        self._taken.add((venue, at))
        side, size = self.random.choice(("buy", "sell")), (1 + self.random.randrange(3)) / 2
        # the trade before this one is of the same venue as often as not, so some come twice
        return common | {"price": price, "size": size, "side": side, "trade_id": str(i - 2 * (i % 50 == 0))}

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


def windows(trades: list[dict[str, Any]], quotes: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """By venue and end, what is to be said of each window that has a record: from all of them, bit for bit."""
    first_price: dict[str, float] = {}
    inside: dict[tuple[str, int], tuple[list[dict[str, Any]], list[dict[str, Any]]]] = defaultdict(lambda: ([], []))
    for kind, rows in enumerate((trades, quotes)):
        for row in sorted(rows, key=lambda row: milliseconds(row["event_time"])):
            at = milliseconds(row["event_time"])
            timed = row | {"at": at, "lag": milliseconds(row["receive_time"]) - at}
            if kind == 0:
                first_price.setdefault(row["venue"], row["price"])
            for end in ends_of(row):
                inside[row["venue"], end][kind].append(timed)
    return {
        (venue, end): _of_trades(own, first_price.get(venue, 0.0))
        | _of_quotes(quoted, end)
        | _lags([*own, *quoted], end)
        for (venue, end), (own, quoted) in inside.items()
    }


def _of_trades(own: list[dict[str, Any]], base: float) -> dict[str, Any]:
    """The columns of trades by their definitions, squares taken of distances from the price `base`."""
    columns: dict[str, Any] = dict.fromkeys(COLUMNS) | {"trades": 0, "volume": 0.0, "net_volume": 0.0, "duplicates": 0}
    columns["invalid"] = 0
    if not own:
        return columns
    n, prices, sizes = len(own), [row["price"] for row in own], [row["size"] for row in own]
    above, steps = [price - base for price in prices], [after - before for before, after in pairwise(prices)]
    seconds = (own[-1]["at"] - own[0]["at"]) / 1_000
    numbers = [(row["at"] // SLIDE_MS, row["trade_id"]) for row in own]
    return columns | {
        "trades": n,
        "volume": sum(sizes),
        "net_volume": sum(size if row["side"] == "buy" else -size for size, row in zip(sizes, own, strict=True)),
        "low_price": min(prices),
        "high_price": max(prices),
        "open_price": prices[0],
        "close_price": prices[-1],
        "mean_price": base + sum(above) / n,
        "vwap": sum(price * size for price, size in zip(prices, sizes, strict=True)) / sum(sizes),
        "std_by_trade": _deviation(above),
        "velocity_by_trade": (prices[-1] - prices[0]) / n,
        "velocity_by_second": (prices[-1] - prices[0]) / seconds if seconds else None,
        "volatility": _deviation(steps) if steps else None,
        "duplicates": n - len(set(numbers)),
    }


def _deviation(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(max(0.0, sum(value * value for value in values) / len(values) - mean * mean))


def _of_quotes(own: list[dict[str, Any]], end: int) -> dict[str, Any]:
    """The columns of quotes; of the last ones of one time, the greatest text counts."""
    names = ("bid", "bid_size", "ask", "ask_size")
    if not own:
        return dict.fromkeys((*names, "mean_spread", "quote_age_ms")) | {"quotes": 0, "crossed": 0}
    last = max(own, key=lambda row: (row["at"], "|".join(str(row[name]) for name in names)))
    spreads = [math.floor((row["ask"] - row["bid"]) / ((row["bid"] + row["ask"]) / 2) * 1e12 + 0.5) for row in own]
    return {name: last[name] for name in names} | {
        "quotes": len(own),
        "mean_spread": sum(spreads) / 1e12 / len(own),
        "quote_age_ms": end - last["at"],
        "crossed": sum(row["bid"] > row["ask"] for row in own),
    }


def _lags(own: list[dict[str, Any]], end: int) -> dict[str, Any]:
    """Of the last slice alone; nothing where it has no record."""
    lags = [row["lag"] for row in own if row["at"] >= end - SLIDE_MS]
    if not lags:
        return {"lags": None, "lag_low": None, "lag_sum": None}
    return {"lags": len(lags), "lag_low": min(lags), "lag_sum": sum(lags)}


def how_many(trades: list[dict[str, Any]], quotes: list[dict[str, Any]]) -> int:
    """Windows that are written about these records, those without a trade too."""
    return len({(row["venue"], end) for row in (*trades, *quotes) for end in ends_of(row)})


def ends_of(row: dict[str, Any]) -> range:
    """Where the windows end that a record lies in."""
    first = milliseconds(row["event_time"]) // SLIDE_MS * SLIDE_MS + SLIDE_MS
    return range(first, first + WINDOW_MS, SLIDE_MS)


def found_windows(records: list[Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """What was written, in the form of `windows`; it is in the order of time, and no window came twice."""
    rows = [row for row in values(records) if row["symbol"] != "CLOSING"]
    found = {(row["venue"], milliseconds(row["window_end"])): {name: row[name] for name in COLUMNS} for row in rows}
    assert len(found) == len(rows), "a window came twice"
    assert [milliseconds(row["window_end"]) for row in rows] == sorted(end for _, end in found)
    return found
