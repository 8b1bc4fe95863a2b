"""Whatever the bytes, a parser answers with records and raises nothing."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.exchanges import VENUES
from feeds.exchanges.fields import MAX_PRICE, MAX_SIZE, REASONS
from feeds.exchanges.market import Notice, Numbered, Quote, Record, Reject, TopChange, Trade
from tests.unit.feeds.exchanges import messages as say

GOOD = {
    "binance-spot": [say.binance_trade(), say.binance_quote()],
    "binance-usdm": [say.binance_trade(), say.binance_quote(at_ms=say.T_MS)],
    "binance-coinm": [say.binance_trade(symbol="BTCUSD_PERP")],
    "bybit-spot": [say.bybit_trade(), say.bybit_top(), say.bybit_top(kind="delta", asks=())],
    "bybit-linear": [say.bybit_trade(), say.bybit_top()],
    "bybit-inverse": [say.bybit_trade(), say.bybit_top()],
    "coinbase": [say.coinbase_trades(1, 7, 8), say.coinbase_ticker(2)],
    "kraken": [say.kraken_trade(), say.kraken_ticker()],
    "okx": [say.okx_trade(), say.okx_top()],
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["NaN", "inf", "-0", "1e400", "0x1p3", "٣", "1_0", " 1", "1700000000000", "9" * 40])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner), max_leaves=6
)


def check(venue: str, records: tuple[Record, ...]) -> None:
    """At least one record, and only possible ones."""
    assert records
    for record in records:
        assert isinstance(record, Trade | Quote | TopChange | Reject | Notice | Numbered)
        if isinstance(record, Reject):
            assert record.reason in REASONS and record.detail
        elif isinstance(record, Trade):
            assert 0 < record.price <= MAX_PRICE and 0 < record.size <= MAX_SIZE
            assert record.side in ("buy", "sell") and record.trade_id and record.fills >= 1
            assert record.instrument.venue == venue and record.instrument.symbol
        elif isinstance(record, Quote):
            assert 0 < record.bid <= MAX_PRICE and 0 < record.ask <= MAX_PRICE
            assert 0 <= record.bid_size <= MAX_SIZE and 0 <= record.ask_size <= MAX_SIZE
            assert record.event_ns is None or math.isfinite(record.event_ns)


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_the_good_frames_are_good(venue: str) -> None:
    for data in GOOD[venue]:
        records = VENUES[venue].parse(data)
        check(venue, records)
        assert not any(isinstance(record, Reject | Notice) for record in records)


@given(data=st.data(), venue=st.sampled_from(sorted(VENUES)))
@settings(max_examples=60, deadline=None)
def test_bytes_and_texts(data: st.DataObject, venue: str) -> None:
    check(venue, VENUES[venue].parse(data.draw(st.binary(max_size=60) | st.text(max_size=60))))


@given(value=VALUES, venue=st.sampled_from(sorted(VENUES)))
@settings(max_examples=60, deadline=None)
def test_json_of_any_shape(value: object, venue: str) -> None:
    check(venue, VENUES[venue].parse(json.dumps(value).encode()))
    check(venue, VENUES[venue].parse(value))


@given(data=st.data(), venue=st.sampled_from(sorted(VENUES)))
@settings(max_examples=200, deadline=None)
def test_good_frames_with_one_value_replaced(data: st.DataObject, venue: str) -> None:
    """The place of every value is tried, also of those that are objects and arrays."""
    message = json.loads(data.draw(st.sampled_from(GOOD[venue])))
    places: list[tuple[object, object]] = []

    def walk(node: object) -> None:
        for key, entry in node.items() if isinstance(node, dict) else enumerate(node):  # type: ignore[arg-type]
            places.append((node, key))
            if isinstance(entry, dict | list):
                walk(entry)

    walk(message)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(VALUES)  # type: ignore[index]
    check(venue, VENUES[venue].parse(json.dumps(message).encode()))


@given(data=st.data(), venue=st.sampled_from(sorted(VENUES)))
@settings(max_examples=100, deadline=None)
def test_good_frames_with_bytes_lost_or_changed(data: st.DataObject, venue: str) -> None:
    frame = bytearray(data.draw(st.sampled_from(GOOD[venue])))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame) - 1))
        if data.draw(st.booleans()):
            frame[at] = data.draw(st.integers(0, 255))
        else:
            del frame[at : at + data.draw(st.integers(1, 20))]
        if not frame:
            break
    check(venue, VENUES[venue].parse(bytes(frame)))
