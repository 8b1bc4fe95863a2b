"""Frames written by hand, one of each kind a venue sends, with what they say."""

from __future__ import annotations

import json

T_MS = 1_700_000_000_000
T_NS = T_MS * 1_000_000
T_ISO = "2023-11-14T22:13:20.000000Z"


def frame(value: object) -> bytes:
    return json.dumps(value).encode()


def binance_trade(number: int = 7, *, price: object = "100.5", at_ms: int = T_MS, symbol: str = "BTCUSDT") -> bytes:
    data = {"e": "trade", "E": at_ms + 1, "s": symbol, "t": number, "p": price, "q": "2.0", "T": at_ms, "m": True}
    return frame({"stream": f"{symbol.lower()}@trade", "data": data})


def binance_quote(
    number: int = 9, *, bid: object = "100.4", at_ms: int | None = None, symbol: str = "BTCUSDT"
) -> bytes:
    data: dict[str, object] = {"u": number, "s": symbol, "b": bid, "B": "3", "a": "100.6", "A": "4"}
    if at_ms is not None:
        data |= {"e": "bookTicker", "T": at_ms, "E": at_ms}
    return frame({"stream": f"{symbol.lower()}@bookTicker", "data": data})


def coinbase_trades(sequence: int, *numbers: int, kind: str = "update", at: str = T_ISO) -> bytes:
    trades = [
        {"trade_id": str(number), "product_id": "BTC-USD", "price": "100.5", "size": "2", "side": "BUY", "time": at}
        for number in numbers
    ]
    envelope = {"channel": "market_trades", "client_id": "", "timestamp": at, "sequence_num": sequence}
    return frame(envelope | {"events": [{"type": kind, "trades": trades}]})


def coinbase_ticker(sequence: int, *, at: str = T_ISO, bid: str = "100.4") -> bytes:
    ticker = {"type": "ticker", "product_id": "BTC-USD", "price": "100.5", "volume_24_h": "15328.1", "best_bid": bid}
    ticker |= {"best_bid_quantity": "3", "best_ask": "100.6", "best_ask_quantity": "4"}
    envelope = {"channel": "ticker", "client_id": "", "timestamp": at, "sequence_num": sequence}
    return frame(envelope | {"events": [{"type": "update", "tickers": [ticker]}]})


def kraken_trade(number: int = 7, kind: str = "update") -> bytes:
    trade = {"symbol": "BTC/USD", "side": "sell", "price": 100.5, "qty": 2, "ord_type": "limit", "trade_id": number}
    return frame({"channel": "trade", "type": kind, "data": [trade | {"timestamp": T_ISO}]})


def kraken_ticker(at: str = T_ISO, bid: float = 100.4) -> bytes:
    ticker = {"symbol": "BTC/USD", "bid": bid, "bid_qty": 3, "ask": 100.6, "ask_qty": 4, "volume": 163.2}
    return frame({"channel": "ticker", "type": "update", "data": [ticker | {"timestamp": at}]})


def okx_trade(number: int = 7, fills: int = 1) -> bytes:
    trade = {"instId": "BTC-USDT", "tradeId": str(number), "px": "100.5", "sz": "2", "side": "sell", "ts": str(T_MS)}
    argument = {"channel": "trades", "instId": "BTC-USDT"}
    return frame({"arg": argument, "data": [trade | {"count": str(fills)}]})


def okx_top(number: int = 9) -> bytes:
    top = {"asks": [["100.6", "4", "0", "1"]], "bids": [["100.4", "3", "0", "1"]], "ts": str(T_MS), "seqId": number}
    return frame({"arg": {"channel": "bbo-tbt", "instId": "BTC-USDT"}, "data": [top]})


def bybit_trade(name: str = "9dc75fca") -> bytes:
    trade = {"T": T_MS, "s": "BTCUSDT", "S": "Sell", "v": "2", "p": "100.5", "i": name, "BT": False}
    return frame({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": T_MS + 5, "data": [trade]})


def bybit_top(
    number: int = 9,
    *,
    kind: str = "snapshot",
    bids: tuple[tuple[str, str], ...] = (("100.4", "3"),),
    asks: tuple[tuple[str, str], ...] = (("100.6", "4"),),
    at_ms: int = T_MS,
) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": number, "seq": 1}
    return frame({"topic": "orderbook.1.BTCUSDT", "type": kind, "ts": at_ms, "data": data})
