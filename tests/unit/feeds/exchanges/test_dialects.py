"""What the fake exchange says is what the parser of that venue reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.exchanges import VENUES, venue_named
from feeds.exchanges.dialects import DIALECTS, channels_of
from feeds.exchanges.market import Instrument, Notice, Numbered, Quote, Trade
from jobs.errors import UsageError
from jobs.settings import VENUE_URLS, Settings
from tests.unit.feeds.exchanges.messages import T_MS

SYMBOLS = {"coinbase": "BTC-USD", "kraken": "BTC/USD", "okx": "BTC-USDT", "binance-coinm": "BTCUSD_PERP"}


def instrument(venue: str) -> Instrument:
    """As the venue's own parser makes it."""
    symbol = SYMBOLS.get(venue, "BTCUSDT")
    probe = Trade(Instrument(venue, symbol, None, None), T_MS * 1_000_000, 1.0, 1.0, "buy", "1")
    found = VENUES[venue].parse(DIALECTS[venue].render(probe, 1))[-1]
    assert isinstance(found, Trade)
    return found.instrument


AMOUNTS = st.floats(1e-8, 1e6).map(lambda value: float(f"{value:.8g}"))


@given(
    venue=st.sampled_from(sorted(VENUES)),
    number=st.integers(1, 10**15),
    moment=st.integers(T_MS, T_MS + 10**10),
    price=AMOUNTS,
    size=AMOUNTS,
    side=st.sampled_from(["buy", "sell"]),
)
@settings(max_examples=150, deadline=None)
def test_trades_go_there_and_back(venue: str, number: int, moment: int, price: float, size: float, side: str) -> None:
    first_id = None if venue.startswith("bybit") else number
    trade = Trade(instrument(venue), moment * 1_000_000, price, size, side, str(number), first_id=first_id)
    assert VENUES[venue].parse(DIALECTS[venue].render(trade, 5))[-1] == trade


@given(
    venue=st.sampled_from(sorted(VENUES)),
    number=st.integers(2, 10**15),
    moment=st.integers(T_MS, T_MS + 10**10),
    prices=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS),
)
@settings(max_examples=150, deadline=None)
def test_quotes_go_there_and_back(venue: str, number: int, moment: int, prices: tuple[float, ...]) -> None:
    update_id = None if venue in ("coinbase", "kraken") else number
    event_ns = None if venue == "binance-spot" else moment * 1_000_000
    quote = Quote(instrument(venue), event_ns, *prices, update_id)
    assert VENUES[venue].parse(DIALECTS[venue].render(quote, 5))[-1] == quote


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_what_is_subscribed_is_what_is_sent(venue: str) -> None:
    """The subscription of the venue, heard by the dialect, covers the channels of its trades and quotes."""
    dialect, what = DIALECTS[venue], instrument(venue)
    subscription = VENUES[venue].subscription("ws://127.0.0.1:1", [what.symbol])
    channels = dialect.connected(subscription.url.removeprefix("ws://127.0.0.1:1"))
    answers: list[bytes] = []
    for message in subscription.messages:
        heard, said = dialect.heard(message.encode())
        channels |= heard
        answers += said
    trade = Trade(what, T_MS * 1_000_000, 1.0, 1.0, "buy", "1")
    quote = Quote(what, T_MS * 1_000_000, 1.0, 1.0, 2.0, 1.0, 1)
    sent = channels_of(dialect, [dialect.render(trade, 1), dialect.render(quote, 2)])
    assert set(sent) <= channels and None not in sent and len(set(sent)) == 2
    for answer in answers:
        (notice,) = [record for record in VENUES[venue].parse(answer) if not isinstance(record, Numbered)]
        assert isinstance(notice, Notice) and notice.kind == "acknowledged"


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_pings_and_goodbyes_are_understood(venue: str) -> None:
    ping, goodbye = VENUES[venue].ping, DIALECTS[venue].goodbye
    if ping is not None:
        _, answers = DIALECTS[venue].heard(ping.encode())
        (notice,) = VENUES[venue].parse(answers[0])
        assert isinstance(notice, Notice) and notice.kind == "heartbeat"
    if goodbye is not None:
        (notice,) = VENUES[venue].parse(goodbye)
        assert isinstance(notice, Notice) and notice.kind == "closing"


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_nonsense_is_answered_and_refused(venue: str) -> None:
    for nonsense in (b"", b"{", b"[]", b'{"op": 5}', b'{"method": "subscribe", "params": 7}'):
        heard, answers = DIALECTS[venue].heard(nonsense)
        assert heard == set()
        for answer in answers:
            found: list[Any] = list(VENUES[venue].parse(answer))
            assert [record.kind for record in found if isinstance(record, Notice)] == ["refused"]


def test_every_venue_has_an_address_and_a_dialect() -> None:
    assert {venue.url_setting for venue in VENUES.values()} == set(VENUE_URLS)
    assert set(DIALECTS) == set(VENUES)
    assert all(getattr(Settings(), name).startswith("wss://") for name in VENUE_URLS)


def test_names_of_venues() -> None:
    assert venue_named("binance") is VENUES["binance-spot"]
    with pytest.raises(UsageError, match="did you mean 'kraken'"):
        venue_named("krakn")
    with pytest.raises(UsageError, match="ask for BTC-USD"):
        VENUES["coinbase"].subscription("wss://x", ["BTC-USDC"])
