"""Records of the market topics: their names, their keys, their columns."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import NamedTuple

from feeds.exchanges.market import Instrument, Quote, Reject, Trade
from feeds.records import event_time

PARTITIONS = 4
"""Of trades and quotes; a key, which is venue and symbol, stays in one."""

MAX_RAW_BYTES = 64 * 1024
"""So much of a frame goes into its reject; `detail` says how long it was."""


class Topics(NamedTuple):
    """Where the records of a market go.

    Attributes
    ----------
    trades, quotes
        Market data, keyed by ``venue|symbol``.
    rejects
        Frames that cannot be used, keyed by venue.
    links
        What happens to connections, keyed by venue.
    """

    trades: str
    quotes: str
    rejects: str
    links: str

    def partitions(self) -> dict[str, int]:
        """How many a new topic gets."""
        return {self.trades: PARTITIONS, self.quotes: PARTITIONS, self.rejects: 1, self.links: 1}


def topics_named(prefix: str) -> Topics:
    """The four topics of a prefix."""
    return Topics(f"{prefix}-trades", f"{prefix}-quotes", f"{prefix}-frames-rejects", f"{prefix}-links")


MARKET = topics_named("market")


def trade_record(trade: Trade, *, receive_ns: int, connection: int) -> dict[str, object]:
    """The columns of a trade."""
    return _common(trade.instrument) | {
        "event_time": iso(trade.event_ns),
        "event_time_source": "exchange",
        "receive_time": iso(receive_ns),
        "price": trade.price,
        "size": trade.size,
        "size_unit": trade.instrument.size_unit,
        "side": trade.side,
        "trade_id": trade.trade_id,
        "channel": trade.channel,
        "fills": trade.fills,
        "connection": connection,
    }


def quote_record(quote: Quote, *, event_ns: int, source: str, receive_ns: int, connection: int) -> dict[str, object]:
    """The columns of a quote; `source` says where its event time comes from."""
    return _common(quote.instrument) | {
        "event_time": iso(event_ns),
        "event_time_source": source,
        "receive_time": iso(receive_ns),
        "bid": quote.bid,
        "bid_size": quote.bid_size,
        "ask": quote.ask,
        "ask_size": quote.ask_size,
        "size_unit": quote.instrument.size_unit,
        "update_id": quote.update_id,
        "connection": connection,
    }


def reject_record(
    source: str, reject: Reject, raw: bytes, *, partition: int, offset: int, at_ns: int
) -> dict[str, object]:
    """The columns of a reject, those of every rejects topic: here `topic` is the venue or file, `partition` the
    connection's number, `offset` the frame's place in it."""
    cut = f" (the first {MAX_RAW_BYTES} of {len(raw)} bytes follow)" if len(raw) > MAX_RAW_BYTES else ""
    return {
        "topic": source,
        "partition": partition,
        "offset": offset,
        "timestamp": iso(at_ns),
        "reason": reject.reason,
        "detail": reject.detail.encode(errors="replace").decode() + cut,
        "raw": base64.b64encode(raw[:MAX_RAW_BYTES]).decode(),
    }


@lru_cache(maxsize=20_000)
def instrument_key(instrument: Instrument) -> bytes:
    """The Kafka key of an instrument: ``venue|symbol``."""
    return f"{instrument.venue}|{instrument.symbol}".encode(errors="replace")


@lru_cache(maxsize=20_000)
def _common(instrument: Instrument) -> dict[str, object]:
    return {
        "venue": instrument.venue,
        "symbol": instrument.symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "instrument": instrument.kind,
    }


def iso(ns: int) -> str:
    """A time for a record, from nanoseconds since 1970; what is below a millisecond is cut off."""
    seconds, rest = divmod(ns // 1_000_000, 1000)
    return f"{_second(seconds)}{rest:03d}Z"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return event_time(seconds * 1000)[:-4]
