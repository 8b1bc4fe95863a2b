"""OKX, API v5: ``trades`` and ``bbo-tbt``, for spot pairs, swaps, futures and options alike.

One trade record may stand for several executions (``count``); its number is the last of them. Numbers follow
each other without gaps within an instrument. Sizes of everything but spot pairs are numbers of contracts.
Source: OKX API guide v5, WebSocket / Order Book Trading / Market Data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from feeds.exchanges.fields import (
    Refused,
    epoch_ns,
    guarded,
    items,
    need,
    obj,
    price,
    show,
    size,
    taker,
    text,
    traded,
    whole,
)
from feeds.exchanges.market import Instrument, Notice, Quote, Record, Reject, Trade
from feeds.exchanges.venue import Subscription, Venue

_UNUSED = frozenset(
    {
        "books",
        "books5",
        "books-l2-tbt",
        "books50-l2-tbt",
        "trades-all",
        "mark-price",
        "index-tickers",
        "funding-rate",
        "open-interest",
        "instruments",
        "status",
        "price-limit",
        "liquidation-orders",
    }
)


def _parse(frame: object) -> tuple[Record, ...]:
    if frame in ("pong", b"pong"):  # the one answer that is no JSON
        return (Notice("heartbeat", "pong"),)
    return guarded(_read, frame)


def _read(value: Any) -> tuple[Record, ...]:
    frame = obj(value, "frame")
    if "event" in frame:
        return (_answer(frame),)
    argument = obj(need(frame, "arg"), "arg")
    channel = text(argument, "channel")
    if channel == "trades":
        return _each(frame, lambda data: _trade(data))
    if channel == "bbo-tbt":
        symbol = text(argument, "instId")  # the data do not repeat it
        return _each(frame, lambda data: _top(symbol, data))
    if channel == "tickers":
        return _each(frame, lambda data: _ticker(data))
    known = channel in _UNUSED or channel.startswith("candle")
    return (Notice("unused" if known else "unknown", channel),)


def _answer(frame: Mapping[str, Any]) -> Notice:
    event = text(frame, "event")
    argument = frame.get("arg")
    channel = argument.get("channel") if isinstance(argument, dict) else None
    where = channel if isinstance(channel, str) else event
    if event in ("subscribe", "unsubscribe", "channel-conn-count"):
        return Notice("acknowledged", where)
    if event in ("error", "channel-conn-count-error"):
        return Notice("refused", where, show(frame.get("msg")))
    if event == "notice":  # the venue closes the connection for an upgrade
        return Notice("closing", where, show(frame.get("msg")))
    return Notice("unknown", event)


def _each(frame: Mapping[str, Any], read: Any) -> tuple[Record, ...]:
    found: list[Record] = []
    for item in items(frame, "data"):
        found += guarded(lambda data: (read(obj(data, "data")),), item)
    return tuple(found)


def _trade(data: Mapping[str, Any]) -> Trade:
    number = whole(data.get("tradeId"), "tradeId")
    fills = whole(data.get("count", 1), "count")
    if not 1 <= fills <= number + 1:
        raise Refused("out_of_range", f"count: expected 1 or more executions up to number {number}, got {fills}")
    return Trade(
        _instrument(text(data, "instId")),
        epoch_ns(data.get("ts"), "ts"),
        price(data.get("px"), "px"),
        traded(data.get("sz"), "sz"),
        taker(data.get("side"), "side"),
        str(number),
        "trade",
        fills,
        number - fills + 1,
    )


def _top(symbol: str, data: Mapping[str, Any]) -> Record:
    bids, asks = items(data, "bids"), items(data, "asks")
    if not bids or not asks:
        return Reject("missing_field", f"bids, asks: one side of {symbol} is empty, so there is no best quote")
    return Quote(
        _instrument(symbol),
        epoch_ns(data.get("ts"), "ts"),
        price(bids[0][0], "bids"),
        size(bids[0][1], "bids"),
        price(asks[0][0], "asks"),
        size(asks[0][1], "asks"),
        whole(data.get("seqId"), "seqId") if "seqId" in data else None,
    )


def _ticker(data: Mapping[str, Any]) -> Quote:
    return Quote(
        _instrument(text(data, "instId")),
        epoch_ns(data.get("ts"), "ts"),
        price(data.get("bidPx"), "bidPx"),
        size(data.get("bidSz"), "bidSz"),
        price(data.get("askPx"), "askPx"),
        size(data.get("askSz"), "askSz"),
    )


@lru_cache(maxsize=10_000)
def _instrument(symbol: str) -> Instrument:
    parts = symbol.split("-")
    if len(parts) < 2 or not all(parts):
        return Instrument("okx", symbol, None, None)
    if len(parts) == 2:
        return Instrument("okx", symbol, parts[0], parts[1])
    kind = "option"
    if len(parts) == 3:
        kind = "perpetual" if parts[2] == "SWAP" else "future"
    return Instrument("okx", symbol, parts[0], parts[1], kind, "contracts")


def _subscription(url: str, symbols: Sequence[str]) -> Subscription:
    wanted = [{"channel": channel, "instId": symbol} for channel in ("trades", "bbo-tbt") for symbol in symbols]
    return Subscription(url, (orjson.dumps({"op": "subscribe", "args": wanted}).decode(),))


VENUE = Venue("okx", _parse, _subscription, ping="ping")  # closed after 30 seconds without a message
