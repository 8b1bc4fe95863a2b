"""The demonstration of the market system: fake exchanges, real collectors, bars, predictions, arbitrage, alerts.

Recorded frames of three venues are played by fake exchanges in their own dialect and collected as from real ones; the
quotes of two more come from a file. One thread does everything, step by step, and stops by process id what it started.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from jobs.demo import feeding
from jobs.demo.market_counts import (
    ALERTS,
    ARBITRAGE,
    BARS,
    FRAMES,
    LINKS,
    PREDICTIONS,
    QUOTES,
    TRADES,
    WINDOWS,
    MarketCounts,
    Row,
    count,
)
from jobs.demo.pipelines import DemoPipeline
from jobs.demo.topic_values import values
from jobs.demo.watched import Watched
from jobs.errors import StackError, SubmitError, UsageError
from jobs.settings import PROJECT_ROOT, Settings
from jobs.stack import kafka_admin
from jobs.stack.kafka_read import reader
from jobs.stack.processes import ProcessRecord, reap, wait_until
from jobs.submit import stop as stop_pipeline

RECORDING: Final = "market/binance_3venues_btc_eth_180s.jsonl.gz"
RECORDED_S: Final = 180.0
PAIR: Final = "market/link_usdt_2ex_bbo_7200s.csv.gz"
SYMBOLS: Final = {
    "binance-spot": "BTCUSDT,ETHUSDT", "binance-usdm": "BTCUSDT,ETHUSDT", "binance-coinm": "BTCUSD_PERP",
}  # fmt: skip

BAR_S: Final = 10
#: Three minutes have three bars of a minute: here a bar has ten seconds, and so has the horizon. Edges are told before
#: fees, since after fees there are none. At so many times the recorded speed venues run apart by seconds.
VALUES: Final = {
    "window": str(BAR_S), "slide": "5", "delay": "20", "idle": "5",
    "fees": "[0, 0, 0, 0, 0, 0, 0, 0]", "threshold": "0.0001",
}  # fmt: skip
SIGNALS_VALUES: Final = {"window": str(BAR_S), "slide": "5", "horizon": str(BAR_S), "cool_down": "30", "idle": "5"}

DEFAULT_S, SHORTEST_S = 60.0, 15.0
QUIET_CHECKPOINTS, SETTLE_TIMEOUT_S, ADDRESS_TIMEOUT_S = 3, 180.0, 60.0
#: Nothing may come for as long as it takes until both pipelines count their silent inputs as idle, one after the other.
QUIET_S: Final = 15.0
_ADDRESS: Final = re.compile(r"^(\S+) (ws://\S+)$", re.MULTILINE)


class _Market(DemoPipeline):
    """The first of the two pipelines. Its inputs get one partition each: several would be empty, or stand still."""

    def of(self, what: str) -> str:
        return QUOTES if what == "truth" else super().of(what)

    @property
    def topics(self) -> tuple[str, ...]:
        refused = [f"{topic}-{what}" for topic in (TRADES, QUOTES) for what in ("rejects", "late")]
        seen = [f"{topic}-{what}" for topic in (WINDOWS, LINKS) for what in ("rejects", "late")]
        return (
            TRADES, QUOTES, LINKS, FRAMES, WINDOWS, BARS, PREDICTIONS, ARBITRAGE, ALERTS, *refused, *seen
        )  # fmt: skip


MARKET: Final = _Market("market", PROJECT_ROOT / "sql" / "market.sql", TRADES, "venue", "", ())
SIGNALS: Final = PROJECT_ROOT / "sql" / "market_signals.sql"
FEEDS: Final = ("feed-market-pair", "feed-market-replay", *(f"feed-{venue}" for venue in SYMBOLS))
OUTPUTS: Final = (WINDOWS, BARS, PREDICTIONS, ARBITRAGE, ALERTS)


@dataclass
class Board:
    """What is shown: records of each topic so far, newest bars and predictions, the last alerts and episodes."""

    seen: Counter[str] = field(default_factory=Counter)
    bars: dict[str, Row] = field(default_factory=dict)
    predictions: dict[str, Row] = field(default_factory=dict)
    alerts: deque[Row] = field(default_factory=lambda: deque(maxlen=5))
    episodes: deque[Row] = field(default_factory=lambda: deque(maxlen=3))
    state: str = "starting"

    def add(self, topic: str, values: Iterable[bytes | None]) -> None:
        """Records of a topic that became visible."""
        for value in values:
            self.seen[topic] += 1
            if value is None or topic not in OUTPUTS:
                continue
            row = orjson.loads(value)
            if topic == ALERTS:
                self.alerts.append(row)
            elif topic == ARBITRAGE:
                self.episodes.append(row)
            elif topic == BARS:
                self.bars[f"{row['venue']} {row['symbol']}"] = row
            elif topic == PREDICTIONS:
                self.predictions[f"{row['venue']} {row['symbol']}"] = row


@dataclass(frozen=True)
class MarketSummary:
    """The end of the demonstration."""

    counts: MarketCounts
    predictions: list[dict[str, Any]]
    seconds: float
    stack_left_running: bool

    @property
    def exit_code(self) -> int:
        """0 where the counts add up and something was predicted."""
        return 0 if self.counts.consistent and self.counts.predictions else 1


def run(
    settings: Settings,
    *,
    seconds: float | None,
    replace: bool,
    end: threading.Event,
    tell: Callable[[str], None],
    show: Callable[[Board], None],
) -> MarketSummary:
    """The whole demonstration; it ends by itself with the recording.

    Parameters
    ----------
    settings
        Of the local stack; `data` holds the recording.
    seconds
        In how many seconds the three minutes are played, 15 at least; None: 60.
    replace
        Delete also topics with records that no demonstration wrote.
    end
        Set to ask for the end: what was fed until then is counted.
    tell
        Called with what is being done.
    show
        Called every second with how things stand.

    Raises
    ------
    UsageError
        The recording is not there, another demonstration or the pipeline runs already, or a topic holds records of
        somebody else.
    CutbankError
        Something could not be started.
    """
    for name in (RECORDING, PAIR):
        if not (settings.data / name).is_file():
            raise UsageError(f"no recording {settings.data / name}: set CUTBANK_DATA to the folder that has it")
    speed = RECORDED_S / (DEFAULT_S if seconds is None else seconds)
    with feeding.alone(settings), contextlib.ExitStack() as last:
        return _Run(settings, end, tell, show, last, Board()).run(speed, replace)


class _Run(Watched[Board]):
    show_every_s = 1.0
    topics = (TRADES, QUOTES, *OUTPUTS)

    def run(self, speed: float, replace: bool) -> MarketSummary:
        settings, tell = self._settings, self._tell
        was_running = self._up(MARKET.name, SIGNALS.stem)
        feeding.stop_named(settings, FEEDS)
        feeding.begin_topics(settings, [MARKET], replace=replace)
        kafka_admin.create_topics(settings, dict.fromkeys((LINKS, FRAMES, *OUTPUTS), 1))
        self._submit(MARKET.file, VALUES)
        self._submit(SIGNALS, SIGNALS_VALUES)
        feeding.note_topics(settings, [MARKET], finished=False)
        with contextlib.closing(self._consumer()) as consumer:
            fed = self._feed(consumer, speed)
            tell("the recording is over; the last bars")
            self._settle(consumer)
        for name in self._jobs:
            stop_pipeline(settings, name)
        tell("counting the topics")
        summary = self._summary(fed, was_running)
        feeding.note_topics(settings, [MARKET], finished=True)
        return summary

    # ---------------------------------------------------------------- feeding
    def _feed(self, consumer: Any, speed: float) -> dict[str, dict[str, Any]]:
        """All feeds to their end; what each told at its end."""
        data = self._settings.data
        self._tell("quotes of LINK/USDT at Huobi and Binance, two hours at once")
        pair = self._start(
            "feed-market-pair",
            ["quotes", str(data / PAIR), "--symbol", "LINKUSDT", "--base", "LINK", "--quote", "USDT", "--speed", "0"],
        )
        self._until_ended(consumer, pair)
        self._tell(f"fake exchanges play three minutes of three venues, {speed:g} times as fast")
        replay = self._start(
            "feed-market-replay", ["replay", str(data / RECORDING), "--speed", f"{speed:g}", "--together"]
        )
        if not wait_until(lambda: len(_addresses(replay)) == len(SYMBOLS) or not replay.alive, ADDRESS_TIMEOUT_S):
            raise StackError(f"the fake exchanges did not begin within {ADDRESS_TIMEOUT_S:.0f} s; see {replay.log}")
        collectors = {
            venue: self._start(f"feed-{venue}", ["exchange", "--venue", venue, "--symbols", symbols, "--url", url])
            for venue, url in _addresses(replay).items()
            for symbols in [SYMBOLS[venue]]
        }
        self._until_ended(consumer, replay)
        for record in collectors.values():
            feeding.stop_feed(self._settings, record)
        told = {venue: feeding.summary_of(record) for venue, record in collectors.items()}
        return {"pair": feeding.summary_of(pair), "replay": feeding.summary_of(replay)} | told

    def _start(self, name: str, arguments: list[str]) -> ProcessRecord:
        record = feeding.start_command(self._settings, name, arguments)
        self._last.callback(feeding.stop_feed, self._settings, record)
        return record

    def _until_ended(self, consumer: Any, feed: ProcessRecord) -> None:
        while feed.alive:
            self._poll(consumer)
            self._check_jobs()
            if self._end.is_set():
                self._end.clear()
                feeding.stop_feed(self._settings, feed)
            reap()
        why = feeding.complaint(feed)
        if why is not None:
            raise SubmitError(f"{feed.name} ended: {why}")

    def _settle(self, consumer: Any) -> None:
        """Until nothing new has come for a while and several checkpoints of both jobs: then all has gone through."""
        deadline, before = time.monotonic() + SETTLE_TIMEOUT_S, -1
        since, since_s = self._checkpoints(), time.monotonic()
        while time.monotonic() < deadline:
            self._poll(consumer)
            done, now = self._checkpoints(), self._board.seen.total()
            if now != before:
                before, since, since_s = now, done, time.monotonic()
                deadline = since_s + SETTLE_TIMEOUT_S
            quiet = time.monotonic() - since_s >= QUIET_S
            if quiet and self._board.seen[BARS] and all(done[name] - since[name] >= QUIET_CHECKPOINTS for name in done):
                return
        raise StackError(f"the pipelines had not come to rest {SETTLE_TIMEOUT_S:.0f} s after their last rows")

    def _checkpoints(self) -> dict[str, int]:
        return {name: self._rest.checkpoints(job_id).completed for name, job_id in self._jobs.items()}

    # ---------------------------------------------------------------- the end
    def _summary(self, fed: dict[str, dict[str, Any]], was_running: bool) -> MarketSummary:
        settings = self._settings
        topics = {topic: values(settings, topic) for topic in (TRADES, QUOTES, *OUTPUTS)}
        collected = [fed[venue] for venue in SYMBOLS]
        counts = count(
            topics,
            sent={
                TRADES: sum(one["trades"] for one in collected),
                QUOTES: sum(one["quotes"] for one in collected) + fed["pair"]["records"],
            },
            frames_sent=fed["replay"]["sent"],
            frames_collected=sum(one["frames"] for one in collected),
            refused={
                topic: (self._size(f"{topic}-rejects"), self._size(f"{topic}-late")) for topic in (TRADES, QUOTES)
            },
            bar_ms=1000 * BAR_S,
        )
        return MarketSummary(counts, topics[PREDICTIONS], time.monotonic() - self._begun_s, was_running)

    def _size(self, topic: str) -> int:
        """Records of a topic; none where there is no such topic, as of late rows that no model reads.

        Windows leave such rows out, so the count does not add up when there is one.
        """
        try:
            with reader(self._settings, topic) as records:
                return sum(1 for _ in records.all())
        except UsageError:
            return 0


def _addresses(replay: ProcessRecord) -> dict[str, str]:
    """Where the fake exchanges are, as they tell in their log."""
    with contextlib.suppress(OSError):
        return dict(_ADDRESS.findall(Path(replay.log).read_text(encoding="utf-8")))
    return {}
