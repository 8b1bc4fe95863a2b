"""Kraken, web socket API v2: ``trade``, and ``ticker`` at every change of the best quote.

Trades are numbered without gaps within a symbol. Tickers have a time and no number; by default the venue sends
them on trades only, so the subscription asks for ``event_trigger: bbo``. The older API v1 (arrays, and objects
with ``event``) is rejected.
Source: docs.kraken.com, Spot WebSocket v2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from feeds.exchanges.fields import (
    Refused,
    guarded,
    iso_ns,
    items,
    obj,
    price,
    show,
    size,
    split_pair,
    taker,
    text,
    traded,
    whole,
)
from feeds.exchanges.market import Instrument, Notice, Quote, Record, Trade
from feeds.exchanges.venue import Subscription, Venue

_UNUSED = frozenset({"book", "ohlc", "instrument", "status", "level3"})


def _parse(frame: object) -> tuple[Record, ...]:
    return guarded(_read, frame)


def _read(value: Any) -> tuple[Record, ...]:
    if isinstance(value, list) and len(value) >= 4 and isinstance(value[-2], str):
        raise Refused("other_dialect", f"channel {show(value[-2])}: a frame of Kraken's API v1")
    frame = obj(value, "frame")
    if "method" in frame:
        return (_answer(frame),)
    if "event" in frame and "channel" not in frame:
        raise Refused("other_dialect", f"event {show(frame['event'])}: a frame of Kraken's API v1")
    channel = text(frame, "channel")
    if channel == "heartbeat":
        return (Notice("heartbeat", channel),)
    if channel == "trade":
        read = _trade
    elif channel == "ticker":
        read = _quote  # type: ignore[assignment]
    else:
        return (Notice("unused" if channel in _UNUSED else "unknown", channel),)
    snapshot = frame.get("type") == "snapshot"
    found: list[Record] = []
    for item in items(frame, "data"):
        found += guarded(lambda data: (read(obj(data, "data"), snapshot),), item)
    return tuple(found)


def _answer(frame: Mapping[str, Any]) -> Notice:
    method = text(frame, "method")
    if method == "pong":
        return Notice("heartbeat", method)
    if method not in ("subscribe", "unsubscribe"):
        return Notice("unknown", method)
    if frame.get("success") is True:
        return Notice("acknowledged", method)
    return Notice("refused", method, show(frame.get("error")))


def _trade(data: Mapping[str, Any], snapshot: bool) -> Trade:
    number = whole(data.get("trade_id"), "trade_id")
    return Trade(
        _instrument(text(data, "symbol")),
        iso_ns(data.get("timestamp"), "timestamp"),
        price(data.get("price"), "price"),
        traded(data.get("qty"), "qty"),
        taker(data.get("side"), "side"),
        str(number),
        first_id=number,
        snapshot=snapshot,
    )


def _quote(data: Mapping[str, Any], snapshot: bool) -> Quote:
    return Quote(
        _instrument(text(data, "symbol")),
        iso_ns(data.get("timestamp"), "timestamp"),
        price(data.get("bid"), "bid"),
        size(data.get("bid_qty"), "bid_qty"),
        price(data.get("ask"), "ask"),
        size(data.get("ask_qty"), "ask_qty"),
        snapshot=snapshot,
    )


@lru_cache(maxsize=10_000)
def _instrument(symbol: str) -> Instrument:
    base, quote = split_pair(symbol, "/")
    return Instrument("kraken", symbol, base, quote)


def _subscription(url: str, symbols: Sequence[str]) -> Subscription:
    wanted: list[dict[str, object]] = [
        {"channel": "trade", "symbol": list(symbols), "snapshot": True},
        {"channel": "ticker", "symbol": list(symbols), "event_trigger": "bbo"},
    ]
    messages = (orjson.dumps({"method": "subscribe", "params": params}).decode() for params in wanted)
    return Subscription(url, tuple(messages))


VENUE = Venue("kraken", _parse, _subscription, ping='{"method":"ping"}')
