"""From frames to records: what a record says, what is counted, which time a quote without one gets."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

import pytest

from feeds.exchanges import VENUES
from feeds.exchanges.inbox import Event, Received
from feeds.exchanges.intake import MAX_HELD, Intake
from feeds.exchanges.values import MAX_RAW_BYTES
from tests.unit.feeds.exchanges import messages as say
from tests.unit.feeds.exchanges.conftest import Link, Topics
from tests.unit.feeds.exchanges.messages import T_MS

AT_NS = 1_800_000_000_000_000_000


class Feeding:
    """An intake, and frames given to it as a connection would."""

    def __init__(self, topics: Topics, venue: str = "binance-spot", borrow_s: float = 1.0) -> None:
        self.events: list[Event] = []
        self.topics, self.link = topics, Link()
        self.intake = Intake(VENUES[venue], topics, on_event=self.events.append, borrow_s=borrow_s)
        self.counts = self.intake.counts
        self._positions: dict[int, int] = {}

    def __call__(self, *frames: bytes, at_s: float = 0.0) -> None:
        for frame in frames:
            position = self._positions.get(self.link.number, 0)
            self._positions[self.link.number] = position + 1
            self.intake.take(Received(self.link, position, AT_NS + round(at_s * 1e9), at_s, frame))


@pytest.fixture
def feed(topics: Topics) -> Feeding:
    return Feeding(topics)


def test_a_trade(feed: Feeding, topics: Topics) -> None:
    feed(say.binance_trade(7))
    assert topics.trades == [
        {
            "venue": "binance-spot",
            "symbol": "BTCUSDT",
            "base": "BTC",
            "quote": "USDT",
            "instrument": "spot",
            "event_time": "2023-11-14T22:13:20.000Z",
            "event_time_source": "exchange",
            "receive_time": "2027-01-15T08:00:00.000Z",
            "price": 100.5,
            "size": 2.0,
            "size_unit": "base",
            "side": "sell",
            "trade_id": "7",
            "channel": "trade",
            "fills": 1,
            "connection": 1,
        }
    ]
    assert topics.keys["market-trades"] == [b"binance-spot|BTCUSDT"]


def test_a_quote(topics: Topics) -> None:
    Feeding(topics, "kraken")(say.kraken_ticker("2023-11-14T22:13:20.123999Z"))
    assert topics.quotes == [
        {
            "venue": "kraken",
            "symbol": "BTC/USD",
            "base": "BTC",
            "quote": "USD",
            "instrument": "spot",
            "event_time": "2023-11-14T22:13:20.123Z",
            "event_time_source": "exchange",
            "receive_time": "2027-01-15T08:00:00.000Z",
            "bid": 100.4,
            "bid_size": 3.0,
            "ask": 100.6,
            "ask_size": 4.0,
            "size_unit": "base",
            "update_id": None,
            "connection": 1,
        }
    ]


def test_duplicates_gaps_and_what_fills_them(feed: Feeding, topics: Topics) -> None:
    feed(*(say.binance_trade(number) for number in (1, 2, 2, 6, 4, 4)))
    assert [trade["trade_id"] for trade in topics.trades] == ["1", "2", "6", "4"]
    assert (feed.counts.trades, feed.counts.duplicates, feed.counts.missing, feed.counts.filled) == (4, 2, 2, 1)
    assert feed.events == [Event("gap", 1, "trade 3 to 5 did not come", "BTCUSDT", 3)]


def test_a_gap_across_connections_is_found(feed: Feeding) -> None:
    feed(say.binance_trade(1))
    feed.link = Link(2)
    feed(say.binance_trade(4))
    assert (feed.counts.missing, feed.events[0].connection) == (2, 2)


def test_a_reject_says_where_why_and_what(feed: Feeding, topics: Topics) -> None:
    feed(say.binance_trade(1), b"\xff{")
    (reject,) = topics.rejects
    assert base64.b64decode(reject.pop("raw")) == b"\xff{"
    assert reject == {
        "topic": "binance-spot",
        "partition": 1,
        "offset": 1,
        "timestamp": "2027-01-15T08:00:00.000Z",
        "reason": "not_utf8",
        "detail": "byte 0 of the frame is no UTF-8",
    }
    assert feed.counts.rejects == {"not_utf8": 1}


def test_a_long_reject_is_cut(feed: Feeding, topics: Topics) -> None:
    feed(b"x" * (MAX_RAW_BYTES + 1))
    assert len(base64.b64decode(topics.rejects[0]["raw"])) == MAX_RAW_BYTES
    assert str(MAX_RAW_BYTES + 1) in topics.rejects[0]["detail"]


def test_unknown_channels_are_counted_and_their_names_bounded(feed: Feeding) -> None:
    for number in range(300):
        feed(json.dumps({"e": f"new{number}"}).encode())
    feed(json.dumps({"e": "depthUpdate"}).encode())
    assert feed.counts.notices.total() == 301
    assert len(feed.counts.notices) <= 202
    assert feed.counts.notices["unknown new0"] == 1


def test_frames_numbered_in_their_connection(topics: Topics) -> None:
    feed = Feeding(topics, "coinbase")
    feed(*(say.coinbase_trades(sequence, 100 + sequence) for sequence in (0, 1, 1, 4)))
    assert feed.counts.missing_frames == 2
    assert feed.counts.duplicates == 1
    assert feed.counts.missing == 2  # the trades of those frames
    feed.link = Link(2)
    feed(say.coinbase_trades(0, 105))  # a new connection counts anew
    assert feed.counts.missing_frames == 2
    assert [trade["trade_id"] for trade in topics.trades] == ["100", "101", "104", "105"]


def test_defect_22_old_trades_sent_on_subscribing_are_left_out(topics: Topics) -> None:
    feed = Feeding(topics, "coinbase")
    feed(say.coinbase_trades(0, 3, 2, 1, kind="snapshot", at="2023-11-14T22:11:33.000000Z"))  # 107 s old
    feed(say.coinbase_trades(1, 4))
    feed.link = Link(2)
    feed(say.coinbase_trades(0, 6, 5, 4, 3, kind="snapshot"), say.coinbase_trades(1, 7))
    assert sorted(trade["trade_id"] for trade in topics.trades) == ["4", "5", "6", "7"]
    assert (feed.counts.before_start, feed.counts.duplicates, feed.counts.missing) == (4, 1, 0)


def sources(topics: Topics) -> list[tuple[str, str]]:
    return [(quote["event_time_source"], quote["event_time"][17:-1]) for quote in topics.quotes]


def test_defect_12_a_quote_without_a_time_gets_the_exchange_s_not_the_wall_clock_s(topics: Topics) -> None:
    feed = Feeding(topics)
    feed(say.binance_trade(1), at_s=0.0)
    feed(say.binance_quote(1), at_s=0.5)
    feed(say.binance_trade(2, at_ms=T_MS + 700), say.binance_quote(2), at_s=0.7)
    assert sources(topics) == [("connection", "20.000"), ("connection", "20.700")]


def test_the_speed_of_a_replay_does_not_show(topics: Topics) -> None:
    """Half a second of frames, read at three speeds: the same event times."""
    frames = [say.binance_quote(1), say.binance_trade(1), say.binance_quote(2)]
    frames += [say.binance_trade(2, at_ms=T_MS + 250), say.binance_quote(3), say.binance_quote(4)]
    found = []
    for speed in (1.0, 10.0, 1e9):
        kept = Topics()
        feed = Feeding(kept)
        for number, frame in enumerate(frames):
            feed(frame, at_s=number * 0.1 / speed)
        found.append([quote["event_time"] for quote in kept.quotes])
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == 2


def test_quotes_in_front_of_the_first_time_wait_for_it(topics: Topics) -> None:
    feed = Feeding(topics)
    feed(say.binance_quote(1), say.binance_quote(2), at_s=0.0)
    assert topics.quotes == []
    feed(say.binance_trade(1), at_s=0.9)
    assert sources(topics) == [("connection", "20.000")] * 2


def test_they_do_not_wait_for_ever(topics: Topics) -> None:
    feed = Feeding(topics)
    feed(say.binance_quote(1), at_s=0.0)
    feed(say.binance_quote(2), at_s=1.5)
    assert sources(topics) == [("receive", "00.000")]
    feed.intake.forget(1)  # the connection has ended: what waits is sent
    assert sources(topics) == [("receive", "00.000"), ("receive", "01.500")]


def test_no_more_of_them_than_fit(topics: Topics) -> None:
    feed = Feeding(topics)
    feed(*(say.binance_quote(number) for number in range(MAX_HELD + 1)))
    assert len(topics.quotes) == MAX_HELD + 1


def test_after_a_pause_the_time_since_is_added(topics: Topics) -> None:
    feed = Feeding(topics)
    feed(say.binance_trade(1), at_s=0.0)
    feed(say.binance_quote(1), at_s=0.9)
    feed(say.binance_quote(2), at_s=4.25)
    assert sources(topics) == [("connection", "20.000"), ("connection", "24.250")]


def test_borrowing_can_be_switched_off(topics: Topics) -> None:
    feed = Feeding(topics, borrow_s=0.0)
    feed(say.binance_trade(1), say.binance_quote(1), at_s=2.0)
    assert sources(topics) == [("receive", "02.000")]


def test_a_late_trade_does_not_set_the_clock_back(topics: Topics) -> None:
    feed = Feeding(topics)
    feed(say.binance_trade(1), say.binance_trade(3, at_ms=T_MS + 800), say.binance_trade(2, at_ms=T_MS + 100))
    feed(say.binance_quote(1))
    assert sources(topics) == [("connection", "20.800")]


def test_data_and_signs_of_life_are_told_apart(topics: Topics) -> None:
    feed = Feeding(topics, "coinbase")
    heartbeat = json.dumps({"channel": "heartbeats", "events": []}).encode()
    feed(heartbeat, at_s=5.0)
    assert feed.link.liveness.first_data_at_s is None
    feed(say.coinbase_ticker(1), at_s=7.0)
    feed(heartbeat, at_s=9.0)
    assert feed.link.liveness.data_at_s == 7.0


def test_changes_of_one_side(topics: Topics) -> None:
    feed = Feeding(topics, "bybit-linear")
    feed(say.bybit_top(1), say.bybit_top(2, kind="delta", bids=(("100.5", "1"),), asks=()))
    feed(say.bybit_top(5, kind="delta", bids=(), asks=(("100.7", "1"),)))
    assert [(quote["bid"], quote["ask"]) for quote in topics.quotes] == [(100.4, 100.6), (100.5, 100.6)]
    assert (feed.counts.missing, feed.counts.stale) == (2, 1)


def test_defect_10_and_11_no_volume_of_24_hours_gets_in(topics: Topics) -> None:
    """Tickers carry rolling volumes; no record has any, and traded size comes from trades alone."""
    feed = Feeding(topics, "coinbase")
    feed(say.coinbase_ticker(0), say.coinbase_trades(1, 5))
    assert not any("volume" in name for record in (*topics.quotes, *topics.trades) for name in record)
    assert sum(trade["size"] for trade in topics.trades) == 2.0


class Full:
    """A sink without room while the end is asked for."""

    def send(self, record: object) -> bool:
        return False


def test_what_the_sink_does_not_take_is_counted() -> None:
    intake = Intake(VENUES["binance-spot"], Full())
    frames: Iterable[bytes] = (say.binance_trade(1), say.binance_trade(2), say.binance_quote(3))
    for position, frame in enumerate(frames):
        intake.take(Received(Link(), position, AT_NS, 0.0, frame))
    assert (intake.counts.unsent, intake.counts.trades, intake.counts.quotes) == (3, 0, 0)
