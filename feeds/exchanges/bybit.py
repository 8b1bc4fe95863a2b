"""Bybit, API v5: ``publicTrade`` and ``orderbook.1``, for spot, linear and inverse markets.

Numbers of trades are no numbers and promise no order. The best level comes as a snapshot, repeated after three
seconds without a change with the same update id; a delta changes single sides, so quotes are made of them by
`feeds.exchanges.top.Top`. The older API v2 is rejected.
Source: bybit-exchange.github.io, v5 WebSocket, public trade and orderbook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
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
    split_pair,
    split_symbol,
    taker,
    text,
    traded,
    whole,
)
from feeds.exchanges.market import Instrument, Notice, Quote, Record, TopChange, Trade
from feeds.exchanges.venue import Subscription, Venue

_UNUSED = frozenset({"tickers", "kline", "liquidation", "allLiquidation", "orderbook", "lt", "tickers_lt", "kline_lt"})


def _parse(market: str, frame: object) -> tuple[Record, ...]:
    return guarded(partial(_read, market), frame)


def _read(market: str, value: Any) -> tuple[Record, ...]:
    frame = obj(value, "frame")
    if "topic" not in frame:
        return (_answer(frame),)
    topic = text(frame, "topic")
    channel = topic.partition(".")[0]
    if channel in ("orderBookL2_25", "orderBook_200", "instrument_info", "insurance"):
        raise Refused("other_dialect", f"topic {show(channel)}: a frame of Bybit's API v2")
    if channel in ("publicTrade", "trade"):
        found: list[Record] = []
        for item in items(frame, "data"):
            found += guarded(lambda data: (_trade(market, obj(data, "data")),), item)
        return tuple(found)
    if topic.startswith("orderbook.1."):
        return (_top(market, frame, obj(need(frame, "data"), "data")),)
    return (Notice("unused" if channel in _UNUSED else "unknown", channel),)


def _answer(frame: Mapping[str, Any]) -> Notice:
    if frame.get("op") in ("ping", "pong") or frame.get("ret_msg") == "pong":
        return Notice("heartbeat", "pong")
    if "success" in frame:
        if "request" in frame:
            raise Refused("other_dialect", "request: an answer of Bybit's API v2")
        done = frame["success"] is True
        return Notice("acknowledged" if done else "refused", "subscribe", "" if done else show(frame.get("ret_msg")))
    raise Refused("missing_field", "topic is missing, and the frame is no answer")


def _trade(market: str, data: Mapping[str, Any]) -> Trade:
    if "trade_time_ms" in data:
        raise Refused("other_dialect", "trade_time_ms: a trade of Bybit's API v2")
    return Trade(
        _instrument(market, text(data, "s")),
        epoch_ns(data.get("T"), "T"),
        price(data.get("p"), "p"),
        traded(data.get("v"), "v"),
        taker(data.get("S"), "S"),
        text(data, "i"),
    )


def _top(market: str, frame: Mapping[str, Any], data: Mapping[str, Any]) -> Record:
    kind = text(frame, "type")
    if kind not in ("snapshot", "delta"):
        raise Refused("wrong_type", f"type: expected snapshot or delta, got {show(kind)}")
    instrument = _instrument(market, text(data, "s"))
    moment = epoch_ns(frame.get("ts"), "ts")
    bid, ask = _side(data, "b"), _side(data, "a")
    update_id = whole(data.get("u"), "u")
    if kind == "snapshot" and bid is not None and ask is not None and min(bid[1], ask[1]) > 0.0:
        return Quote(instrument, moment, *bid, *ask, update_id, update_id == 1)
    return TopChange(instrument, moment, bid, ask, update_id, kind == "snapshot")


def _side(data: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """The first level of a side that stands, or, where none does, the first that is gone."""
    found: tuple[float, float] | None = None
    for level in items(data, name):
        if not isinstance(level, list) or len(level) < 2:
            raise Refused("wrong_type", f"{name}: expected pairs of price and size, got {show(level)}")
        entry = (price(level[0], name), size(level[1], name))
        if found is None or (found[1] == 0.0 and entry[1] > 0.0):
            found = entry
    return found


@lru_cache(maxsize=10_000)
def _instrument(market: str, symbol: str) -> Instrument:
    pair, dated, _ = symbol.partition("-")
    if dated and symbol.count("-") >= 3:
        return Instrument(market, symbol, pair, "USDC", "option", "contracts")
    base, quote = split_pair(pair, "/") if "/" in pair else split_symbol(pair)
    if market == "bybit-spot":
        return Instrument(market, symbol, base, quote)
    if base is None and pair.endswith("PERP"):
        base, quote = pair.removesuffix("PERP"), "USDC"
    elif base is None and dated:  # BTC-29DEC23 is settled in USDC, BTCUSDT-29DEC23 says what it is settled in
        base, quote = pair, "USDC"
    kind = "future" if dated or pair[-2:].isdigit() else "perpetual"
    return Instrument(market, symbol, base, quote, kind, "contracts" if market == "bybit-inverse" else "base")


def _subscription(url: str, symbols: Sequence[str]) -> Subscription:
    topics = [f"{channel}.{symbol}" for channel in ("publicTrade", "orderbook.1") for symbol in symbols]
    # ten topics a request is the spot market's limit
    parts = [topics[start : start + 10] for start in range(0, len(topics), 10)]
    return Subscription(url, tuple(orjson.dumps({"op": "subscribe", "args": part}).decode() for part in parts))


def _venue(name: str) -> Venue:
    return Venue(name, partial(_parse, name), _subscription, ping='{"op":"ping"}')


SPOT = _venue("bybit-spot")
LINEAR = _venue("bybit-linear")
INVERSE = _venue("bybit-inverse")
