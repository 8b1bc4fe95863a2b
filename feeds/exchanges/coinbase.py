"""Coinbase Advanced Trade: ``market_trades``, ``ticker`` and ``heartbeats``.

Frames are numbered in each connection (``sequence_num``). A ticker has no time of its own, so the envelope's is
taken; it comes only when something was traded, so a quote may be old. The trades sent on subscribing are old
ones and say so. Products in USDC come with the data, and under the name, of those in USD; the collector refuses
to ask for them. The older Coinbase Exchange protocol (frames with ``type`` instead of ``channel``) is rejected.
Source: docs.cdp.coinbase.com, Advanced Trade WebSocket channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import orjson

from feeds.exchanges.fields import (
    Refused,
    guarded,
    iso_ns,
    items,
    need,
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
from feeds.exchanges.market import Instrument, Notice, Numbered, Quote, Record, Trade
from feeds.exchanges.venue import Subscription, Venue
from jobs.errors import UsageError

_UNUSED = frozenset({"l2_data", "candles", "status", "ticker_batch", "user"})


def _parse(frame: object) -> tuple[Record, ...]:
    return guarded(_read, frame)


def _read(value: Any) -> tuple[Record, ...]:
    frame = obj(value, "frame")
    channel = frame.get("channel")
    if channel is None and "type" in frame:
        if frame["type"] == "error":
            return (Notice("refused", "subscribe", show(frame.get("message"))),)
        if "sequence_num" not in frame:
            raise Refused(
                "other_dialect", f"type {show(frame['type'])}: a frame of the older Coinbase Exchange protocol"
            )
    channel = text(frame, "channel")
    records: list[Record] = []
    if "sequence_num" in frame:
        records.append(Numbered(whole(frame["sequence_num"], "sequence_num")))
    if channel == "heartbeats":
        records.append(Notice("heartbeat", channel))
    elif channel == "subscriptions":
        records.append(Notice("acknowledged", channel))
    elif channel == "market_trades":
        for event in items(frame, "events"):
            records += _each(event, "trades", _trade)
    elif channel == "ticker":
        moment = iso_ns(frame.get("timestamp"), "timestamp")
        for event in items(frame, "events"):
            records += _each(event, "tickers", partial(_quote, moment))
    else:
        records.append(Notice("unused" if channel in _UNUSED else "unknown", channel))
    return tuple(records)


def _each(event: Any, name: str, read: Any) -> list[Record]:
    """The records of one event; a bad one does not take the others with it."""
    snapshot = obj(event, "event").get("type") == "snapshot"
    found: list[Record] = []
    for item in items(event, name):
        found += guarded(lambda value: (read(obj(value, name), snapshot),), item)
    return found


def _trade(data: Mapping[str, Any], snapshot: bool) -> Trade:
    number = whole(data.get("trade_id"), "trade_id")
    return Trade(
        _instrument(text(data, "product_id")),
        iso_ns(data.get("time"), "time"),
        price(data.get("price"), "price"),
        traded(data.get("size"), "size"),
        # the venue names the maker's side: who sold to a maker that buys took the price
        "sell" if taker(need(data, "side"), "side") == "buy" else "buy",
        str(number),
        first_id=number,
        snapshot=snapshot,
    )


def _quote(event_ns: int, data: Mapping[str, Any], snapshot: bool) -> Quote:
    return Quote(
        _instrument(text(data, "product_id")),
        event_ns,
        price(data.get("best_bid"), "best_bid"),
        size(data.get("best_bid_quantity"), "best_bid_quantity"),
        price(data.get("best_ask"), "best_ask"),
        size(data.get("best_ask_quantity"), "best_ask_quantity"),
        snapshot=snapshot,
    )


@lru_cache(maxsize=10_000)
def _instrument(symbol: str) -> Instrument:
    base, quote = split_pair(symbol, "-")
    return Instrument("coinbase", symbol, base, quote)


def _subscription(url: str, symbols: Sequence[str]) -> Subscription:
    twice = [symbol for symbol in symbols if symbol.upper().endswith("-USDC")]
    if twice:
        raise UsageError(
            f"--symbols: Coinbase answers {', '.join(twice)} with the data of the pair in USD, under that name; "
            f"ask for {', '.join(symbol[:-1] for symbol in twice)}"
        )
    messages = [{"type": "subscribe", "channel": "heartbeats"}]  # without it quiet channels are closed
    messages += [
        {"type": "subscribe", "channel": channel, "product_ids": list(symbols)}  # type: ignore[dict-item]
        for channel in ("market_trades", "ticker")
    ]
    return Subscription(url, tuple(orjson.dumps(message).decode() for message in messages))


VENUE = Venue("coinbase", _parse, _subscription)
