"""Each fault of the script against the real collector: nothing is lost without a number.

Sockets are real and on loopback; waits and ages are on a clock that the test moves. The law held each time:
frames of the recording = records + still missing + dropped, and what the fault added was recognised.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import pytest

from feeds.exchanges import VENUES
from feeds.exchanges.collecting import collect
from feeds.exchanges.counts import Counts
from feeds.exchanges.fake import FakeExchange, Tally
from feeds.exchanges.faults import Fault, plan
from feeds.exchanges.inbox import Inbox
from feeds.exchanges.recording import Frame
from feeds.exchanges.staying import Liveness
from jobs.errors import CutbankError, UsageError
from tests.unit.feeds.exchanges import messages as say
from tests.unit.feeds.exchanges.conftest import DEADLINE_S, Topics, VirtualTiming, pass_time, until
from tests.unit.feeds.exchanges.messages import T_MS

SYMBOLS = {
    "binance-spot": "BTCUSDT",
    "binance-usdm": "BTCUSDT",
    "bybit-linear": "BTCUSDT",
    "coinbase": "BTC-USD",
    "kraken": "BTC/USD",
    "okx": "BTC-USDT",
}


def trades(count: int, first: int = 100) -> list[Frame]:
    """Trades of the spot market, numbered one by one, a hundredth of a second apart."""
    return [
        Frame(number * 10_000_000, say.binance_trade(first + number, at_ms=T_MS + number * 10))
        for number in range(count)
    ]


@dataclass
class Result:
    """What came of a run."""

    counts: Counts
    tally: Tally
    topics: Topics
    told: list[str]
    timing: VirtualTiming

    @property
    def numbers(self) -> list[int]:
        return [int(trade["trade_id"]) for trade in self.topics.trades]

    def check(self, frames: Sequence[Frame]) -> None:
        """Every trade of the recording is a record, or missing, or dropped; none is twice."""
        assert self.counts.trades + self.counts.missing + self.counts.dropped == len(frames)
        assert len(set(self.numbers)) == len(self.numbers) == self.counts.trades
        assert self.tally.sent + self.tally.skipped == len(frames)
        assert self.counts.frames == self.tally.sent + self.tally.repeated + self.tally.broken
        assert self.counts.duplicates == self.tally.repeated


During = Callable[[Counts, FakeExchange, VirtualTiming], Awaitable[None]]


async def run(
    topics: Topics,
    frames: Sequence[Frame],
    faults: Sequence[Fault] = (),
    dials: Iterable[str] = (),
    *,
    venue: str = "binance-spot",
    during: During | None = None,
    enough_dials: int | None = None,
    inbox: Inbox | None = None,
    give_up_after_s: float | None = None,
) -> Result:
    """Collect a recording with faults until all that was sent was received, and `during` is through."""
    timing = VirtualTiming()
    counts, told = Counts(), list[str]()
    async with FakeExchange(venue, frames, faults=faults, dials=dials, timing=timing) as fake:
        script = asyncio.ensure_future(during(counts, fake, timing)) if during is not None else None

        def enough(counts: Counts) -> bool:
            if enough_dials is not None:
                return counts.attempts >= enough_dials
            tally = fake.tally
            received = counts.frames >= tally.sent + tally.repeated + tally.broken
            return fake.finished.is_set() and received and (script is None or script.done())

        async with asyncio.timeout(DEADLINE_S):
            await collect(
                VENUES[venue],
                fake.url,
                [SYMBOLS[venue]],
                topics,
                counts,
                enough=enough,
                tell=told.append,
                timing=timing,
                rng=random.Random(7),
                inbox=inbox,
                give_up_after_s=give_up_after_s,
            )
        if script is not None:
            await script
        return Result(counts, fake.tally, topics, told, timing)


@pytest.mark.parametrize(
    ("fault", "trades_sent", "duplicates", "missing", "rejects"),
    [
        (Fault("duplicate", 10, 5), 60, 5, 0, {}),
        (Fault("reorder", 10, 5), 60, 0, 0, {}),
        (Fault("gap", 10, 5), 55, 0, 5, {}),
        (Fault("stale", 30, 20), 60, 20, 0, {}),
        (Fault("garbage", 10, 3), 60, 0, 0, {"not_utf8": 3}),
        (Fault("truncated", 10, 3), 60, 0, 0, {"not_json": 3}),
        (Fault("missing_field", 10, 2, "p"), 60, 0, 0, {"missing_field": 2}),
        (Fault("switched", 10, 2, "p"), 60, 0, 0, {}),
        (Fault("damaged", 10, 2, ["p", "0"]), 60, 0, 0, {"out_of_range": 2}),
        (Fault("damaged", 10, 2, ["p", "-5"]), 60, 0, 0, {"out_of_range": 2}),
        (Fault("damaged", 10, 2, ["p", "1e10"]), 60, 0, 0, {"out_of_range": 2}),
        (Fault("damaged", 10, 2, ["q", "-1"]), 60, 0, 0, {"out_of_range": 2}),
        (Fault("damaged", 10, 2, ["p", "NaN"]), 60, 0, 0, {"not_finite": 2}),
    ],
    ids=lambda value: f"{value.kind}-{value.value}" if isinstance(value, Fault) else "",
)
def test_faults_of_frames(
    topics: Topics, fault: Fault, trades_sent: int, duplicates: int, missing: int, rejects: dict[str, int]
) -> None:
    frames = trades(60)
    result = asyncio.run(run(topics, frames, [fault]))
    result.check(frames)
    assert (result.counts.trades, result.counts.duplicates, result.counts.missing) == (trades_sent, duplicates, missing)
    assert result.counts.rejects == rejects
    assert [reject["reason"] for reject in topics.rejects] == [
        reason for reason in rejects for _ in range(rejects[reason])
    ]
    assert result.counts.connections == 1


@pytest.mark.parametrize("shift_ms", [1300, -1300, -6000])
def test_skewed_clocks_and_lags_change_event_times_and_nothing_else(topics: Topics, shift_ms: int) -> None:
    frames = trades(30)
    result = asyncio.run(run(topics, frames, [Fault("skew", 0, 30, shift_ms)]))
    result.check(frames)
    straight = Topics()
    asyncio.run(run(straight, frames))
    assert [trade["event_time"] for trade in topics.trades] != [trade["event_time"] for trade in straight.trades]
    assert [trade["price"] for trade in topics.trades] == [trade["price"] for trade in straight.trades]


def test_a_cut_without_a_close_frame(topics: Topics) -> None:
    frames = trades(60)
    result = asyncio.run(run(topics, frames, [Fault("cut", 20), Fault("cut", 40, 6)]))
    result.check(frames)
    assert (result.counts.connections, result.counts.missing) == (3, 5)
    assert [event["detail"] for event in topics.links if event["kind"] == "gap"] == ["trade 140 to 144 did not come"]
    assert result.numbers == [number for number in range(100, 160) if not 140 <= number < 145]


def test_a_close_after_24_hours(topics: Topics) -> None:
    frames = trades(60)
    result = asyncio.run(run(topics, frames, [Fault("close", 30, 1, 1001)]))
    result.check(frames)
    assert (result.counts.connections, result.counts.missing) == (2, 0)


def test_an_announced_end_is_bridged_without_a_gap(topics: Topics) -> None:
    """`serverShutdown`: a second connection takes over while the first still brings data."""
    frames = trades(400)

    async def during(counts: Counts, fake: FakeExchange, timing: VirtualTiming) -> None:
        await until(fake.finished.is_set)
        await pass_time(timing, lambda: counts.lost == 1)

    result = asyncio.run(run(topics, frames, [Fault("goodbye", 100, 1, 2)], during=during))
    assert result.counts.notices == {"closing serverShutdown": 1}
    assert (result.counts.trades, result.counts.missing, result.counts.dropped) == (400, 0, 0)
    assert len(set(result.numbers)) == 400
    assert result.counts.duplicates == 300  # both brought what came after the announcement
    assert next(event["detail"] for event in topics.links if event["kind"] == "lost") == "connection 2 took over"


def test_a_connection_is_replaced_before_the_venue_s_24_hours_are_up(topics: Topics) -> None:
    frames = trades(20)

    async def during(counts: Counts, fake: FakeExchange, timing: VirtualTiming) -> None:
        await until(lambda: counts.trades == 20)
        link = 23.5 * 3600
        while timing.now_s < 1000.0 + link:  # pings are answered, data come
            timing.advance(10.0)
            await asyncio.sleep(0)
            _refresh(alive, timing)
        async with asyncio.timeout(DEADLINE_S):
            while counts.attempts < 2:
                timing.advance(1.0)
                _refresh(alive, timing)
                await asyncio.sleep(0.002)

    alive: list[Liveness] = []
    original = Liveness.data

    def data(self: Liveness, now_s: float) -> None:
        if self not in alive:
            alive.append(self)
        original(self, now_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Liveness, "data", data)
        result = asyncio.run(run(topics, frames, during=during))
    assert result.counts.attempts == 2
    assert result.counts.trades == 20


def _refresh(alive: list[Liveness], timing: VirtualTiming) -> None:
    for connection in alive:
        connection.alive_s = connection.data_at_s = timing.now_s


@pytest.mark.parametrize("kind", ["silence", "pings_only"])
def test_silence_with_an_open_socket(topics: Topics, kind: str) -> None:
    """Nothing comes, with and without answers to pings: the link is given up and dialled again."""
    frames = trades(60)

    async def during(counts: Counts, fake: FakeExchange, timing: VirtualTiming) -> None:
        await until(lambda: counts.trades == 30)
        await pass_time(timing, lambda: counts.lost == 1)

    result = asyncio.run(run(topics, frames, [Fault(kind, 30, 4)], during=during))
    result.check(frames)
    assert (result.counts.connections, result.counts.missing) == (2, 3)
    lost = [event["detail"] for event in topics.links if event["kind"] == "lost"]
    assert lost[0].startswith("no sign of life for" if kind == "silence" else "no data for")


@pytest.mark.parametrize("dial", ["refuse", "close", "500", "502", "503", "429"])
def test_dials_that_fail_are_tried_again_with_growing_waits(topics: Topics, dial: str) -> None:
    frames = trades(10)
    result = asyncio.run(run(topics, frames, dials=[dial] * 8))
    result.check(frames)
    assert result.counts.attempts == result.tally.dials == 9
    waits = result.timing.waits
    assert all(0.0 <= wait <= min(60.0, 2.0**n) for n, wait in enumerate(waits))
    assert len(waits) == 8


def test_a_storm_of_accepted_and_closed_connections_stays_below_the_limit(topics: Topics) -> None:
    """489 connections in two seconds is what resetting on each handshake leads to; the venue allows 300 in 300 s."""
    result = asyncio.run(run(topics, trades(1), dials=iter(lambda: "close", None), enough_dials=40))
    dialled = result.tally.dialled_s
    for at in range(len(dialled)):
        assert sum(dialled[at] <= moment < dialled[at] + 300.0 for moment in dialled) < 300
    assert dialled[-1] - dialled[0] > 300.0
    assert result.counts.connections == result.counts.attempts == len(dialled) >= 40


def test_a_refusal_for_good_ends_with_a_message(topics: Topics) -> None:
    with pytest.raises(CutbankError, match=r"binance-spot: the connection was given up: .* HTTP 404"):
        asyncio.run(run(topics, trades(1), dials=["404"]))
    assert [event["kind"] for event in topics.links] == ["given_up"]


def test_nothing_for_too_long_ends_with_a_message(topics: Topics) -> None:
    dials = iter(lambda: "503", None)
    with pytest.raises(CutbankError, match="nothing came for"):
        asyncio.run(run(topics, trades(1), dials=dials, give_up_after_s=120.0))
    assert topics.links[-1]["kind"] == "given_up"


def test_an_address_where_nobody_listens(topics: Topics) -> None:
    async def collected() -> None:
        async with FakeExchange("kraken", trades(1)) as fake:
            url = fake.url
        await collect(
            VENUES["kraken"],
            url,
            ["BTC/USD"],
            topics,
            Counts(),
            enough=lambda counts: False,
            timing=VirtualTiming(),
            give_up_after_s=30.0,
        )

    with pytest.raises(CutbankError, match="given up"):
        asyncio.run(collected())


def test_a_slow_consumer_loses_frames_with_a_number_and_never_the_link(topics: Topics) -> None:
    """The queue is full: frames are dropped and counted, the reader goes on, no connection is lost."""
    frames = trades(300)
    inbox = Inbox(max_frames=50, hold_s=0.01)
    release = asyncio.Event()

    async def slow() -> Result:
        loop = asyncio.get_running_loop()

        def wait() -> None:
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(DEADLINE_S)

        topics.wait = wait
        running = asyncio.create_task(run(topics, frames, inbox=inbox))
        async with asyncio.timeout(DEADLINE_S):
            await until(lambda: inbox.overflowing)
            release.set()
            return await running

    result = asyncio.run(slow())
    assert result.counts.connections == 1
    assert result.counts.dropped > 0
    assert result.counts.frames == 300
    after_the_last = 399 - max(result.numbers)
    assert result.counts.trades + result.counts.dropped == 300
    # the numbers of what was dropped are missing ones too, but for those after the last that came
    assert result.counts.missing == result.counts.dropped - after_the_last


def test_a_burst_is_held_back_in_the_socket_and_not_dropped(topics: Topics) -> None:
    """Room for ten frames, a consumer that takes its time, and six hundred frames at once: none is lost."""
    topics.wait = lambda: time.sleep(0.0005)  # the consumer's work, not a synchronisation
    frames = trades(600)
    result = asyncio.run(run(topics, frames, inbox=Inbox(max_frames=10, hold_s=DEADLINE_S)))
    result.check(frames)
    assert (result.counts.trades, result.counts.dropped, result.counts.connections) == (600, 0, 1)


def test_a_sink_that_fails_ends_the_collector(topics: Topics) -> None:
    def fail() -> None:
        raise CutbankError("the broker is away")

    topics.wait = fail
    with pytest.raises(CutbankError, match="the broker is away"):
        asyncio.run(run(topics, trades(5)))


def subscribed(venue: str) -> list[Frame]:
    """Fifty trades and a quote or two of a venue, in its own words."""
    if venue == "coinbase":
        data = [say.coinbase_trades(1 + number, 100 + number) for number in range(50)]
        data += [say.coinbase_ticker(51)]
    elif venue == "kraken":
        data = [*(say.kraken_trade(100 + number) for number in range(50)), say.kraken_ticker()]
    elif venue == "okx":
        data = [*(say.okx_trade(100 + number) for number in range(50)), say.okx_top()]
    elif venue == "bybit-linear":
        data = [*(say.bybit_trade(f"id-{number}") for number in range(50)), say.bybit_top()]
    else:
        data = [*(say.binance_trade(100 + number) for number in range(50)), say.binance_quote(at_ms=T_MS)]
    return [Frame(number, one) for number, one in enumerate(data)]


@pytest.mark.parametrize("venue", ["binance-usdm", "bybit-linear", "coinbase", "kraken", "okx"])
def test_every_venue_is_subscribed_and_subscribed_again_after_a_cut(topics: Topics, venue: str) -> None:
    result = asyncio.run(run(topics, subscribed(venue), [Fault("cut", 25)], venue=venue))
    assert (result.counts.trades, result.counts.quotes, result.counts.connections) == (50, 1, 2)
    assert result.counts.rejects == {}
    assert (result.counts.duplicates, result.counts.missing) == (0, 0)
    assert not any("refused" in sentence for sentence in result.told)


def test_a_plan_says_what_is_wrong_with_it() -> None:
    frames = trades(10)
    for fault in (
        Fault("unheard_of", 1),
        Fault("gap", 11),
        Fault("gap", 1, 0),
        Fault("missing_field", 1),
        Fault("damaged", 1, 1, "p"),
        Fault("skew", 1, 1, "late"),
    ):
        with pytest.raises(UsageError, match=fault.kind):
            plan(frames, [fault])
    with pytest.raises(UsageError, match="reaches to frame 5"):
        plan(frames, [Fault("gap", 2, 3), Fault("duplicate", 4)])
