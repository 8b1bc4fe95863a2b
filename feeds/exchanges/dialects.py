"""How each venue talks to its clients: what the fake one understands, acknowledges and says.

The counterpart of the parsers, used only by the fake exchange: `render` writes a trade or a quote as the venue
would, so that any recording can be replayed in any dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

from feeds.exchanges.market import Quote, Trade

Answers = list[bytes]


class Dialect(NamedTuple):
    """One venue's manners.

    Attributes
    ----------
    connected
        From the path of the request to the channels that it subscribes already.
    heard
        From a client's message to the channels that it subscribes and the answers to it.
    channel_of
        From a frame to the channel it belongs to; None: it goes to everybody.
    render
        A trade or quote as a frame; the number is that of the frame in its connection.
    goodbye
        What announces the end of a connection; None: nothing does.
    """

    connected: Callable[[str], set[str]]
    heard: Callable[[bytes], tuple[set[str], Answers]]
    channel_of: Callable[[dict[str, Any]], str | None]
    render: Callable[[Trade | Quote, int], bytes]
    goodbye: bytes | None = None


def _dump(value: object) -> bytes:
    return orjson.dumps(value)


def _message(data: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _iso(ns: int | None) -> str:
    moment = datetime.fromtimestamp((ns or 0) // 1_000_000_000, UTC).replace(tzinfo=None)
    return f"{moment.isoformat()}.{(ns or 0) // 1000 % 1_000_000:06d}Z"


def _number(value: float) -> str:
    """As venues write decimals: no exponent, and read back the same."""
    return f"{value:.15f}".rstrip("0").rstrip(".") if value < 1e-4 else repr(value).removesuffix(".0")


def _nothing(path: str) -> set[str]:
    return set()


# ---------------------------------------------------------------- Binance


def _binance_path(path: str) -> set[str]:
    parts = urlsplit(path)
    if "/ws/" in parts.path:
        return set(parts.path.rpartition("/ws/")[2].split("/"))
    return {stream for value in parse_qs(parts.query).get("streams", []) for stream in value.split("/")}


def _binance_heard(data: bytes) -> tuple[set[str], Answers]:
    message = _message(data)
    if message.get("method") != "SUBSCRIBE":
        return set(), [_dump({"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": None})]
    return set(_texts(message.get("params"))), [_dump({"result": None, "id": message.get("id")})]


def _binance_channel(frame: dict[str, Any]) -> str | None:
    stream = frame.get("stream")
    return stream if isinstance(stream, str) else None


def _binance_render(record: Trade | Quote, number: int) -> bytes:
    symbol = record.instrument.symbol
    data: dict[str, object]
    if isinstance(record, Trade):
        moment = record.event_ns // 1_000_000
        data = {"e": "trade", "E": moment, "s": symbol, "t": int(record.trade_id), "p": _number(record.price)}
        data |= {"q": _number(record.size), "T": moment, "m": record.side == "sell", "M": True}
        return _dump({"stream": f"{symbol.lower()}@trade", "data": data})
    data = {"u": record.update_id or number, "s": symbol, "b": _number(record.bid), "B": _number(record.bid_size)}
    data |= {"a": _number(record.ask), "A": _number(record.ask_size)}
    if record.event_ns is not None:
        moment = record.event_ns // 1_000_000
        data |= {"e": "bookTicker", "T": moment, "E": moment}
    return _dump({"stream": f"{symbol.lower()}@bookTicker", "data": data})


# ---------------------------------------------------------------- Coinbase


def _coinbase_heard(data: bytes) -> tuple[set[str], Answers]:
    message = _message(data)
    channel = message.get("channel")
    if message.get("type") != "subscribe" or not isinstance(channel, str):
        return set(), [_dump({"type": "error", "message": "invalid request"})]
    products = _texts(message.get("product_ids"))
    return {f"{channel}:{product}" for product in products} or {channel}, []


def _coinbase_channel(frame: dict[str, Any]) -> str | None:
    for event in frame.get("events", []):
        for record in [*event.get("trades", []), *event.get("tickers", [])]:
            return f"{frame['channel']}:{record['product_id']}"
    return None


def _coinbase_render(record: Trade | Quote, number: int) -> bytes:
    symbol, moment = record.instrument.symbol, _iso(record.event_ns)
    if isinstance(record, Trade):
        channel = "market_trades"
        maker = "BUY" if record.side == "sell" else "SELL"
        trade = {"trade_id": record.trade_id, "product_id": symbol, "price": _number(record.price)}
        trade |= {"size": _number(record.size), "side": maker, "time": moment}
        event: dict[str, object] = {"type": "update", "trades": [trade]}
    else:
        channel = "ticker"
        ticker = {"type": "ticker", "product_id": symbol, "best_bid": _number(record.bid)}
        ticker |= {"best_bid_quantity": _number(record.bid_size), "best_ask": _number(record.ask)}
        ticker |= {"best_ask_quantity": _number(record.ask_size)}
        event = {"type": "update", "tickers": [ticker]}
    envelope = {"channel": channel, "client_id": "", "timestamp": moment, "sequence_num": number}
    return _dump(envelope | {"events": [event]})


# ---------------------------------------------------------------- Kraken


def _kraken_heard(data: bytes) -> tuple[set[str], Answers]:
    message = _message(data)
    if message.get("method") == "ping":
        return set(), [_dump({"method": "pong", "req_id": message.get("req_id")})]
    wanted = message.get("params")
    channel = wanted.get("channel") if isinstance(wanted, dict) else None
    symbols = _texts(wanted.get("symbol")) if isinstance(wanted, dict) else []
    if message.get("method") != "subscribe" or channel not in ("trade", "ticker"):
        return set(), [_dump({"method": "subscribe", "success": False, "error": "Channel field is invalid"})]
    done = [
        _dump({"method": "subscribe", "result": {"channel": channel, "symbol": symbol}, "success": True})
        for symbol in symbols
    ]
    return {f"{channel}:{symbol}" for symbol in symbols}, done


def _kraken_channel(frame: dict[str, Any]) -> str | None:
    data = frame.get("data")
    return f"{frame['channel']}:{data[0]['symbol']}" if isinstance(data, list) and data else None


def _kraken_render(record: Trade | Quote, number: int) -> bytes:
    symbol, moment = record.instrument.symbol, _iso(record.event_ns)
    if isinstance(record, Trade):
        trade = {"symbol": symbol, "side": record.side, "price": record.price, "qty": record.size}
        trade |= {"ord_type": "market", "trade_id": int(record.trade_id), "timestamp": moment}
        return _dump({"channel": "trade", "type": "update", "data": [trade]})
    ticker = {"symbol": symbol, "bid": record.bid, "bid_qty": record.bid_size, "ask": record.ask}
    ticker |= {"ask_qty": record.ask_size, "timestamp": moment}
    return _dump({"channel": "ticker", "type": "update", "data": [ticker]})


# ---------------------------------------------------------------- OKX


def _okx_heard(data: bytes) -> tuple[set[str], Answers]:
    if data == b"ping":
        return set(), [b"pong"]
    message = _message(data)
    wanted = message.get("args")
    if message.get("op") != "subscribe" or not isinstance(wanted, list):
        return set(), [_dump({"event": "error", "code": "60012", "msg": "Illegal request"})]
    done = [_dump({"event": "subscribe", "arg": argument, "connId": "fake"}) for argument in wanted]
    return {f"{argument['channel']}:{argument['instId']}" for argument in wanted}, done


def _okx_channel(frame: dict[str, Any]) -> str | None:
    argument = frame.get("arg")
    return f"{argument['channel']}:{argument['instId']}" if isinstance(argument, dict) else None


def _okx_render(record: Trade | Quote, number: int) -> bytes:
    symbol, moment = record.instrument.symbol, str((record.event_ns or 0) // 1_000_000)
    data: dict[str, object]
    if isinstance(record, Trade):
        data = {"instId": symbol, "tradeId": record.trade_id, "px": _number(record.price), "sz": _number(record.size)}
        data |= {"side": record.side, "ts": moment, "count": str(record.fills)}
        return _dump({"arg": {"channel": "trades", "instId": symbol}, "data": [data]})
    data = {"asks": [[_number(record.ask), _number(record.ask_size), "0", "1"]], "ts": moment}
    data |= {"bids": [[_number(record.bid), _number(record.bid_size), "0", "1"]]}
    data |= {"seqId": record.update_id if record.update_id is not None else number}
    return _dump({"arg": {"channel": "bbo-tbt", "instId": symbol}, "data": [data]})


# ---------------------------------------------------------------- Bybit


def _bybit_heard(data: bytes) -> tuple[set[str], Answers]:
    message = _message(data)
    if message.get("op") == "ping":
        return set(), [_dump({"success": True, "ret_msg": "pong", "conn_id": "fake", "op": "ping"})]
    done = message.get("op") == "subscribe"
    answer = {"success": done, "ret_msg": "" if done else "Invalid request", "conn_id": "fake", "op": "subscribe"}
    return set(_texts(message.get("args"))) if done else set(), [_dump(answer)]


def _bybit_channel(frame: dict[str, Any]) -> str | None:
    topic = frame.get("topic")
    return topic if isinstance(topic, str) else None


def _bybit_render(record: Trade | Quote, number: int) -> bytes:
    symbol, moment = record.instrument.symbol, (record.event_ns or 0) // 1_000_000
    data: dict[str, object]
    if isinstance(record, Trade):
        data = {"T": moment, "s": symbol, "S": record.side.capitalize(), "v": _number(record.size)}
        data |= {"p": _number(record.price), "i": record.trade_id, "BT": False}
        return _dump({"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": moment, "data": [data]})
    data = {"s": symbol, "b": [[_number(record.bid), _number(record.bid_size)]]}
    data |= {"a": [[_number(record.ask), _number(record.ask_size)]]}
    data |= {"u": record.update_id if record.update_id is not None else number, "seq": number}
    return _dump({"topic": f"orderbook.1.{symbol}", "type": "snapshot", "ts": moment, "data": data})


_BINANCE = Dialect(
    _binance_path, _binance_heard, _binance_channel, _binance_render, b'{"e":"serverShutdown","E":1770123456789}'
)
_BYBIT = Dialect(_nothing, _bybit_heard, _bybit_channel, _bybit_render)

DIALECTS: dict[str, Dialect] = {
    **dict.fromkeys(("binance-spot", "binance-usdm", "binance-coinm"), _BINANCE),
    **dict.fromkeys(("bybit-spot", "bybit-linear", "bybit-inverse"), _BYBIT),
    "coinbase": Dialect(_nothing, _coinbase_heard, _coinbase_channel, _coinbase_render),
    "kraken": Dialect(_nothing, _kraken_heard, _kraken_channel, _kraken_render),
    "okx": Dialect(
        _nothing, _okx_heard, _okx_channel, _okx_render, b'{"event":"notice","code":"64008","msg":"service upgrade"}'
    ),
}
"""By name of the venue."""


def channels_of(dialect: Dialect, frames: Iterable[bytes]) -> list[str | None]:
    """The channel of every frame; None too where a frame cannot be read."""
    found: list[str | None] = []
    for frame in frames:
        try:
            found.append(dialect.channel_of(_message(frame)))
        except (KeyError, TypeError, IndexError, AttributeError):
            found.append(None)
    return found
