"""Every parser: what it reads out of each kind of frame, and what it says of frames it cannot use."""

from __future__ import annotations

import json

import pytest

from feeds.exchanges import VENUES
from feeds.exchanges.market import Instrument, Notice, Numbered, Quote, Record, Reject, TopChange, Trade
from tests.unit.feeds.exchanges import messages as say
from tests.unit.feeds.exchanges.messages import T_MS, T_NS, frame


def only(venue: str, data: bytes | str) -> Record:
    """The one record of a frame; a frame's own number is left aside."""
    records = [record for record in VENUES[venue].parse(data) if not isinstance(record, Numbered)]
    assert len(records) == 1, records
    return records[0]


SPOT = Instrument("binance-spot", "BTCUSDT", "BTC", "USDT")
COINBASE = Instrument("coinbase", "BTC-USD", "BTC", "USD")
KRAKEN = Instrument("kraken", "BTC/USD", "BTC", "USD")
OKX = Instrument("okx", "BTC-USDT", "BTC", "USDT")
LINEAR = Instrument("bybit-linear", "BTCUSDT", "BTC", "USDT", "perpetual")


@pytest.mark.parametrize(
    ("venue", "data", "instrument", "trade_id", "first_id"),
    [
        ("binance-spot", say.binance_trade(), SPOT, "7", 7),
        ("coinbase", say.coinbase_trades(3, 7), COINBASE, "7", 7),
        ("kraken", say.kraken_trade(), KRAKEN, "7", 7),
        ("okx", say.okx_trade(), OKX, "7", 7),
        ("bybit-linear", say.bybit_trade(), LINEAR, "9dc75fca", None),
    ],
)
def test_trade(venue: str, data: bytes, instrument: Instrument, trade_id: str, first_id: int | None) -> None:
    # every one of these frames says: 2 were sold to a resting bid at 100.5
    assert only(venue, data) == Trade(instrument, T_NS, 100.5, 2.0, "sell", trade_id, "trade", 1, first_id)
    assert only(venue, data.decode()) == only(venue, data)


@pytest.mark.parametrize(
    ("venue", "data", "instrument", "event_ns", "update_id"),
    [
        ("binance-spot", say.binance_quote(), SPOT, None, 9),
        ("binance-usdm", say.binance_quote(at_ms=T_MS), SPOT._replace(venue="binance-usdm", kind="perpetual"), T_NS, 9),
        ("coinbase", say.coinbase_ticker(3), COINBASE, T_NS, None),
        ("kraken", say.kraken_ticker(), KRAKEN, T_NS, None),
        ("okx", say.okx_top(), OKX, T_NS, 9),
        ("bybit-linear", say.bybit_top(), LINEAR, T_NS, 9),
    ],
)
def test_quote(venue: str, data: bytes, instrument: Instrument, event_ns: int | None, update_id: int | None) -> None:
    assert only(venue, data) == Quote(instrument, event_ns, 100.4, 3.0, 100.6, 4.0, update_id)


def test_a_trade_of_several_executions() -> None:
    okx = only("okx", say.okx_trade(20, 4))
    assert isinstance(okx, Trade)
    assert (okx.fills, okx.first_id, okx.trade_id) == (4, 17, "20")
    data = {"e": "aggTrade", "s": "BTCUSDT", "a": 5, "p": "1", "q": "2", "f": 10, "l": 12, "T": T_MS, "m": False}
    binance = only("binance-spot", frame(data))
    assert isinstance(binance, Trade)
    assert (binance.channel, binance.trade_id, binance.fills, binance.side) == ("aggTrade", "5", 3, "buy")


def test_bybit_changes_of_one_side_stay_changes() -> None:
    change = only("bybit-linear", say.bybit_top(10, kind="delta", bids=(("100.4", "0"), ("100.3", "5")), asks=()))
    assert change == TopChange(LINEAR, T_NS, (100.3, 5.0), None, 10, False)
    gone = only("bybit-linear", say.bybit_top(11, kind="delta", bids=(), asks=(("100.6", "0"),)))
    assert gone == TopChange(LINEAR, T_NS, None, (100.6, 0.0), 11, False)


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        ("BTCUSDT", "BTC", "USDT"),
        ("BTCUSDC", "BTC", "USDC"),
        ("BTCUSD", "BTC", "USD"),
        ("BTCFDUSD", "BTC", "FDUSD"),
        ("USDCUSDT", "USDC", "USDT"),
        ("ETHBTC", "ETH", "BTC"),
        ("1000SATSUSDT", "1000SATS", "USDT"),
        ("USDT", None, None),
        ("BTCXYZ", None, None),
    ],
)
def test_defect_17_usd_usdt_and_usdc_are_three_currencies(symbol: str, base: str | None, quote: str | None) -> None:
    found = only("binance-spot", say.binance_trade(symbol=symbol))
    assert isinstance(found, Trade)
    assert (found.instrument.base, found.instrument.quote) == (base, quote)


@pytest.mark.parametrize(
    ("venue", "symbol", "expected"),
    [
        ("binance-usdm", "BTCUSDT", ("BTC", "USDT", "perpetual", "base")),
        ("binance-usdm", "BTCUSDT_240927", ("BTC", "USDT", "future", "base")),
        ("binance-coinm", "BTCUSD_PERP", ("BTC", "USD", "perpetual", "contracts")),
        ("binance-coinm", "ETHUSD_210924", ("ETH", "USD", "future", "contracts")),
        ("okx", "BTC-USDT-SWAP", ("BTC", "USDT", "perpetual", "contracts")),
        ("okx", "BTC-USD-220527", ("BTC", "USD", "future", "contracts")),
        ("okx", "BTC-USD-220527-30000-C", ("BTC", "USD", "option", "contracts")),
        ("bybit-inverse", "BTCUSD", ("BTC", "USD", "perpetual", "contracts")),
        ("bybit-linear", "BTCPERP", ("BTC", "USDC", "perpetual", "base")),
        ("bybit-linear", "BTC-29DEC23", ("BTC", "USDC", "future", "base")),
        ("bybit-spot", "BTCUSDC", ("BTC", "USDC", "spot", "base")),
    ],
)
def test_kinds_of_instruments(venue: str, symbol: str, expected: tuple[str | None, ...]) -> None:
    if venue == "okx":
        data = say.okx_trade().replace(b"BTC-USDT", symbol.encode())
    elif venue.startswith("bybit"):
        data = say.bybit_trade().replace(b'"BTCUSDT"', f'"{symbol}"'.encode())
    else:
        data = say.binance_trade(symbol=symbol)
    found = only(venue, data)
    assert isinstance(found, Trade)
    assert found.instrument[2:] == expected
    assert found.instrument.symbol == symbol


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000, 1_000_000_000])
def test_times_in_s_ms_us_and_ns_are_the_same_moment(unit: int) -> None:
    moment = T_MS // 1000 * unit
    data = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "1", "q": "1", "T": moment, "m": False}
    found = only("binance-spot", frame(data))
    assert isinstance(found, Trade)
    assert found.event_ns == T_NS


@pytest.mark.parametrize(
    ("venue", "value", "kind"),
    [
        ("binance-spot", {"result": None, "id": 1}, "acknowledged"),
        ("binance-spot", {"error": {"code": 2, "msg": "no"}, "id": 1}, "refused"),
        ("binance-spot", {"e": "serverShutdown", "E": 1}, "closing"),
        ("binance-spot", {"stream": "btcusdt@depth5", "data": {"lastUpdateId": 1, "bids": [], "asks": []}}, "unused"),
        ("binance-spot", {"e": "24hrTicker", "s": "BTCUSDT", "v": "1"}, "unused"),
        ("binance-spot", {"e": "somethingNew"}, "unknown"),
        ("coinbase", {"channel": "heartbeats", "sequence_num": 1, "events": []}, "heartbeat"),
        ("coinbase", {"channel": "subscriptions", "events": []}, "acknowledged"),
        ("coinbase", {"type": "error", "message": "failure"}, "refused"),
        ("coinbase", {"channel": "somethingNew"}, "unknown"),
        ("kraken", {"channel": "heartbeat"}, "heartbeat"),
        ("kraken", {"method": "pong", "req_id": 1}, "heartbeat"),
        ("kraken", {"method": "subscribe", "success": True, "result": {}}, "acknowledged"),
        ("kraken", {"method": "subscribe", "success": False, "error": "Currency pair not supported"}, "refused"),
        ("kraken", {"channel": "somethingNew"}, "unknown"),
        ("okx", {"event": "subscribe", "arg": {"channel": "trades", "instId": "X"}}, "acknowledged"),
        ("okx", {"event": "error", "msg": "wrong", "code": "60012"}, "refused"),
        ("okx", {"event": "notice", "code": "64008", "msg": "upgrade"}, "closing"),
        ("okx", {"arg": {"channel": "candle1m", "instId": "X"}, "data": []}, "unused"),
        ("okx", {"arg": {"channel": "somethingNew"}, "data": []}, "unknown"),
        ("bybit-spot", {"op": "pong"}, "heartbeat"),
        ("bybit-spot", {"success": True, "ret_msg": "pong", "op": "ping"}, "heartbeat"),
        ("bybit-spot", {"success": True, "ret_msg": "", "op": "subscribe"}, "acknowledged"),
        ("bybit-spot", {"success": False, "ret_msg": "Invalid topic", "op": "subscribe"}, "refused"),
        ("bybit-spot", {"topic": "kline.1.BTCUSDT", "data": []}, "unused"),
        ("bybit-spot", {"topic": "somethingNew", "data": []}, "unknown"),
    ],
)
def test_frames_without_data_are_named_never_ignored(venue: str, value: object, kind: str) -> None:
    found = only(venue, frame(value))
    assert isinstance(found, Notice)
    assert found.kind == kind


def test_okx_answers_a_ping_with_a_word() -> None:
    assert only("okx", b"pong") == only("okx", "pong") == Notice("heartbeat", "pong")


def changed(data: bytes, name: str, value: object) -> bytes:
    """A copy with every field of that name changed; ``...``: taken away."""

    def walk(node: object) -> object:
        if isinstance(node, dict):
            kept = {key: walk(entry) for key, entry in node.items() if not (key == name and value is ...)}
            return kept | ({name: value} if name in node and value is not ... else {})
        return [walk(entry) for entry in node] if isinstance(node, list) else node

    return frame(walk(json.loads(data)))


@pytest.mark.parametrize(
    ("venue", "data", "name", "value", "reason"),
    [
        ("binance-spot", say.binance_trade(), "p", "0", "out_of_range"),
        ("binance-spot", say.binance_trade(), "p", "-1", "out_of_range"),
        ("binance-spot", say.binance_trade(), "p", "1e10", "out_of_range"),
        ("binance-spot", say.binance_trade(), "p", "NaN", "not_finite"),
        ("binance-spot", say.binance_trade(), "p", "Infinity", "not_finite"),
        ("binance-spot", say.binance_trade(), "p", "1_0", "wrong_type"),
        ("binance-spot", say.binance_trade(), "p", True, "wrong_type"),
        ("binance-spot", say.binance_trade(), "p", None, "missing_field"),
        ("binance-spot", say.binance_trade(), "p", ..., "missing_field"),
        ("binance-spot", say.binance_trade(), "q", "-2", "out_of_range"),
        ("binance-spot", say.binance_trade(), "q", "0", "out_of_range"),
        ("binance-spot", say.binance_trade(), "T", 12, "time_out_of_range"),
        ("binance-spot", say.binance_trade(), "T", "soon", "wrong_type"),
        ("binance-spot", say.binance_trade(), "m", "yes", "wrong_type"),
        ("binance-spot", say.binance_trade(), "t", -1, "out_of_range"),
        ("binance-spot", say.binance_trade(), "t", 1.5, "wrong_type"),
        ("binance-spot", say.binance_trade(), "s", "", "wrong_type"),
        ("binance-spot", say.binance_trade(), "data", [1, 2], "not_an_object"),
        ("binance-spot", say.binance_trade(), "data", 5, "wrong_type"),
        ("binance-spot", say.binance_quote(), "B", "-1", "out_of_range"),
        ("binance-usdm", say.binance_quote(), "B", "1", "missing_field"),
        ("coinbase", say.coinbase_trades(1, 7), "price", "0", "out_of_range"),
        ("coinbase", say.coinbase_trades(1, 7), "time", "yesterday", "wrong_type"),
        ("coinbase", say.coinbase_trades(1, 7), "time", "2023-11-14T22:13:20.0", "wrong_type"),
        ("coinbase", say.coinbase_trades(1, 7), "side", "both", "wrong_type"),
        ("coinbase", say.coinbase_ticker(1), "best_bid", "", "wrong_type"),
        ("coinbase", say.coinbase_ticker(1), "timestamp", "0001-01-01T00:00:00Z", "time_out_of_range"),
        ("kraken", say.kraken_trade(), "qty", -3, "out_of_range"),
        ("kraken", say.kraken_trade(), "data", "x", "wrong_type"),
        ("kraken", say.kraken_trade(), "data", [], "missing_field"),
        ("okx", say.okx_top(), "bids", [], "missing_field"),
        ("okx", say.okx_top(), "bids", [[]], "wrong_type"),
        ("okx", say.okx_trade(), "count", "9", "out_of_range"),
        ("bybit-spot", say.bybit_top(), "b", [["100"]], "wrong_type"),
        ("bybit-spot", say.bybit_top(), "type", "patch", "wrong_type"),
    ],
)
def test_values_that_cannot_be(venue: str, data: bytes, name: str, value: object, reason: str) -> None:
    records = VENUES[venue].parse(changed(data, name, value))
    rejects = [record for record in records if isinstance(record, Reject)]
    assert [reject.reason for reject in rejects] == [reason] * max(1, len(rejects)), records
    assert not any(isinstance(record, Trade | Quote | TopChange) for record in records)


def test_a_bad_trade_does_not_take_the_good_ones_of_its_frame_with_it() -> None:
    value = json.loads(say.coinbase_trades(1, 7, 8, 9))
    value["events"][0]["trades"][1]["price"] = "-1"
    records = VENUES["coinbase"].parse(frame(value))
    assert [type(record).__name__ for record in records] == ["Numbered", "Trade", "Reject", "Trade"]


def test_numbers_and_texts_may_change_places() -> None:
    for venue, data, names in (
        ("binance-spot", say.binance_trade(), ("p", "q")),
        ("kraken", say.kraken_trade(), ("price", "qty")),
    ):
        before = only(venue, data)
        for name in names:
            found = json.loads(data)
            holder = found["data"] if isinstance(found["data"], dict) else found["data"][0]
            held = holder[name]
            assert only(venue, changed(data, name, float(held) if isinstance(held, str) else str(held))) == before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "not_utf8"),
        (b"{", "not_json"),
        (b'{"e":NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"null", "not_an_object"),
        (b"12", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b" " * (8 * 1024 * 1024 + 1), "too_large"),
    ],
)
@pytest.mark.parametrize("venue", sorted(VENUES))
def test_frames_that_are_no_frames(venue: str, data: bytes, reason: str) -> None:
    found = only(venue, data)
    assert isinstance(found, Reject)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("venue", "value"),
    [
        ("coinbase", {"type": "l2update", "product_id": "BTC-USD", "changes": []}),
        ("coinbase", {"type": "match", "trade_id": 1, "price": "1", "size": "1", "product_id": "BTC-USD"}),
        ("kraken", [1, [["1", "2"]], "trade", "XBT/USD"]),
        ("kraken", {"event": "heartbeat"}),
        ("bybit-linear", {"topic": "orderBookL2_25.BTCUSDT", "type": "delta", "data": {}}),
        ("bybit-linear", {"topic": "trade.BTCUSDT", "data": [{"symbol": "BTCUSDT", "trade_time_ms": "1"}]}),
        ("bybit-linear", {"success": True, "request": {"op": "subscribe"}}),
    ],
)
def test_older_protocols_are_named(venue: str, value: object) -> None:
    found = only(venue, frame(value))
    assert isinstance(found, Reject)
    assert found.reason == "other_dialect"


def test_insurance_fund_and_deleveraging_are_no_trades() -> None:
    data = json.loads(say.binance_trade(price="0"))["data"] | {"X": "INSURANCE_FUND", "q": "0"}
    found = only("binance-usdm", frame(data))
    assert isinstance(found, Notice)
    assert found.kind == "unused"
