"""Binance: spot, USD-M futures and COIN-M futures, as combined or single streams.

Collected are ``<symbol>@trade`` and ``<symbol>@bookTicker``. Trades are numbered without gaps within a symbol;
the update id of a quote only grows. Quotes of the spot market carry no event time. The 24-hour ticker is not
used: its volumes are those of a window that moves, and it shows one quote a second.
Source: binance-docs, web socket streams of the three markets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from feeds.exchanges.fields import (
    Refused,
    epoch_ns,
    guarded,
    need,
    obj,
    price,
    show,
    size,
    split_symbol,
    text,
    traded,
    whole,
)
from feeds.exchanges.market import Instrument, Notice, Quote, Record, Trade
from feeds.exchanges.venue import Subscription, Venue

_UNUSED = frozenset(
    {
        "24hrTicker",
        "24hrMiniTicker",
        "1dTicker",
        "depthUpdate",
        "kline",
        "continuous_kline",
        "avgPrice",
        "markPriceUpdate",
        "forceOrder",
        "indexPriceUpdate",
    }
)


def _parse(market: str, frame: object) -> tuple[Record, ...]:
    return guarded(partial(_read, market), frame)


def _read(market: str, value: Any) -> tuple[Record, ...]:
    if isinstance(value, list):  # an all-market stream: one event each
        return tuple(record for event in value for record in guarded(partial(_read, market), event))
    frame = obj(value, "frame")
    stream = frame.get("stream")
    if stream is None:
        return _event(market, frame, "")
    if not isinstance(stream, str):
        raise Refused("wrong_type", f"stream: expected a text, got {show(stream)}")
    data = need(frame, "data")
    if isinstance(data, list):
        return _read(market, data)
    return _event(market, obj(data, "data"), stream.rpartition("@")[2])


def _event(market: str, data: Mapping[str, Any], channel: str) -> tuple[Record, ...]:
    kind = data.get("e")
    if kind is None:
        if "b" in data and "a" in data and "u" in data and "U" not in data:
            kind = "bookTicker"  # the spot market's carries no event type
        elif channel == "bookTicker":
            kind = channel
        elif "result" in data:
            done = data["result"] is None
            return (Notice("acknowledged" if done else "unknown", "SUBSCRIBE", show(data["result"])),)
        elif "error" in data or ("code" in data and "msg" in data):
            return (Notice("refused", "SUBSCRIBE", show(data.get("error", data.get("msg")))),)
        elif "serverShutdown" in data:
            return (Notice("closing", "serverShutdown"),)
        elif channel:
            return (Notice("unused" if channel.startswith("depth") else "unknown", channel),)
        else:
            raise Refused("missing_field", "e is missing, and the frame is no quote and no answer")
    if kind == "bookTicker":
        return (_quote(market, data),)
    if kind in ("trade", "aggTrade"):
        return (_trade(market, data, kind),)
    if kind == "serverShutdown":
        return (Notice("closing", kind),)
    if not isinstance(kind, str):
        raise Refused("wrong_type", f"e: expected a text, got {show(kind)}")
    return (Notice("unused" if kind in _UNUSED else "unknown", kind),)


def _quote(market: str, data: Mapping[str, Any]) -> Quote:
    moment = data.get("T", data.get("E"))
    if moment is None and market != "binance-spot":
        raise Refused("missing_field", "T is missing: only quotes of the spot market have no time")
    return Quote(
        _instrument(market, text(data, "s")),
        None if moment is None else epoch_ns(moment, "T"),
        price(data.get("b"), "b"),
        size(data.get("B"), "B"),
        price(data.get("a"), "a"),
        size(data.get("A"), "A"),
        whole(data.get("u"), "u"),
    )


def _trade(market: str, data: Mapping[str, Any], channel: str) -> Record:
    if data.get("X", "MARKET") != "MARKET":
        # the futures' insurance fund and automatic deleveraging: no trade of two parties on the market
        return Notice("unused", f"{channel} of kind {show(data['X'])}")
    maker_buys = need(data, "m")
    if not isinstance(maker_buys, bool):
        raise Refused("wrong_type", f"m: expected true or false, got {show(maker_buys)}")
    fills = 1
    if channel == "trade":
        trade_id = whole(data.get("t"), "t")
    else:
        trade_id = whole(data.get("a"), "a")
        fills = max(1, whole(data.get("l"), "l") - whole(data.get("f"), "f") + 1)
    return Trade(
        _instrument(market, text(data, "s")),
        epoch_ns(data.get("T"), "T"),
        price(data.get("p"), "p"),
        traded(data.get("q"), "q"),
        "sell" if maker_buys else "buy",
        str(trade_id),
        channel,
        fills,
        trade_id,
    )


@lru_cache(maxsize=10_000)
def _instrument(market: str, symbol: str) -> Instrument:
    if market == "binance-spot":
        return Instrument(market, symbol, *split_symbol(symbol))
    pair, dated, delivery = symbol.partition("_")
    kind = "future" if dated and delivery != "PERP" else "perpetual"
    unit = "contracts" if market == "binance-coinm" else "base"
    return Instrument(market, symbol, *split_symbol(pair), kind, unit)


def _subscription(url: str, symbols: Sequence[str]) -> Subscription:
    streams = [f"{symbol.lower()}@{channel}" for symbol in symbols for channel in ("trade", "bookTicker")]
    return Subscription(f"{url}/stream?streams={'/'.join(streams)}", ())


def _venue(name: str, *, undated_quotes: bool = False) -> Venue:
    return Venue(
        name,
        partial(_parse, name),
        _subscription,
        undated_quotes=undated_quotes,
        max_symbols=512,  # two streams each, 1,024 a connection
        max_age_s=23.5 * 3600,  # closed by the venue after 24 hours
    )


SPOT = _venue("binance-spot", undated_quotes=True)
USD_M = _venue("binance-usdm")
COIN_M = _venue("binance-coinm")
