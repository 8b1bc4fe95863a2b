"""How many frames a second a collector takes: recorded frames as fast as it reads them, into a real broker.

The fake exchange runs in a process of its own and sends as fast as the socket takes, so each contender is busy all the
time. They take turns, round by round: a bare web socket client that parses JSON and keeps nothing, the collector with
a sink that counts, and the collector with Kafka.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from websockets.asyncio.client import connect

from benchmarks.own_stack import own_stack
from benchmarks.results import machine, show, write
from feeds.exchanges import VENUES
from feeds.exchanges.collecting import collect
from feeds.exchanges.counts import Counts
from feeds.exchanges.fake import FakeExchange
from feeds.exchanges.recording import Frame, read_recording
from feeds.exchanges.values import topics_named
from feeds.producer import Producer, ensure_topics
from feeds.records import Outgoing
from jobs.settings import Settings, load_settings

RECORDING = "market/binance_3venues_btc_eth_180s.jsonl.gz"
VENUE, SYMBOLS = "binance-usdm", ["BTCUSDT", "ETHUSDT"]
ROUNDS = 5
TARGET = 10_000
"""Frames a second a core with no loss: the design's bar."""


class Run(NamedTuple):
    """One contender's run: frames received and kept, seconds by the clock and of its processor time."""

    frames: int
    kept: int
    wall_s: float
    cpu_s: float


class Counting:
    """A sink that only counts."""

    taken = 0

    def send(self, record: Outgoing) -> bool:
        self.taken += 1
        return True


def main() -> None:
    """Measure, write the figures, show them on the page."""
    folder = load_settings().data
    if not (folder / RECORDING).is_file():
        raise SystemExit(f"no recording {folder / RECORDING}: set CUTBANK_DATA")
    before = machine()
    with own_stack() as stack:
        runs = measure(stack.settings, folder / RECORDING)
    figures = summary(runs)
    report = {"machine": before, "load_after": machine()["load_before"], "rounds": ROUNDS, "contenders": figures}
    text = table(report)
    print(text)
    print("written:", write("market_collector", report), show("market-collector", text))


def measure(settings: Settings, recording: Path) -> dict[str, list[Run]]:
    """All rounds of all contenders."""
    runs: dict[str, list[Run]] = {}
    for number in range(ROUNDS + 1):
        contenders: dict[str, Callable[[str, int], Coroutine[Any, Any, int]]] = {
            "web socket and JSON, nothing kept": bare,
            "collector, records counted": counted,
            "collector, records in Kafka": lambda url, frames: into_kafka(settings, url, frames),
        }
        for name, contender in contenders.items():
            run = one(recording, contender)
            if number:  # the first round warms caches and the broker
                runs.setdefault(name, []).append(run)
    return runs


def one(recording: Path, contender: Callable[[str, int], Coroutine[Any, Any, int]]) -> Run:
    """One contender against a fresh exchange."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    exchange = context.Process(target=serve, args=(recording, theirs))
    exchange.start()
    try:
        url, frames = ours.recv()
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        kept = asyncio.run(contender(url, frames))
        return Run(frames, kept, time.perf_counter() - wall_s, time.process_time() - cpu_s)
    finally:
        ours.send("end")
        exchange.join(30)


def serve(recording: Path, pipe: Connection) -> None:
    """The exchange's process: tell the address, play, stay until told to end."""
    frames: list[Frame] = [frame for venue, frame in read_recording(recording) if venue == VENUE]

    async def play() -> None:
        async with FakeExchange(VENUE, frames) as fake:
            pipe.send((fake.url, len(frames)))
            await asyncio.to_thread(pipe.recv)

    asyncio.run(play())


async def bare(url: str, frames: int) -> int:
    """The least a client does."""
    taken = 0
    async with connect(VENUES[VENUE].subscription(url, SYMBOLS).url, compression=None, proxy=None) as client:
        while taken < frames:
            json.loads(await client.recv())
            taken += 1
    return taken


async def counted(url: str, frames: int) -> int:
    """Everything but Kafka."""
    counts, sink = Counts(), Counting()
    await collect(VENUES[VENUE], url, SYMBOLS, sink, counts, enough=lambda counts: counts.frames >= frames)
    return counts.trades + counts.quotes


async def into_kafka(settings: Settings, url: str, frames: int) -> int:
    """Everything, until the broker has confirmed every record."""
    counts, topics = Counts(), topics_named(f"bench-{time.monotonic_ns()}")
    ensure_topics(settings, topics.partitions())
    with Producer(settings) as producer:
        await collect(
            VENUES[VENUE],
            url,
            SYMBOLS,
            producer,
            counts,
            enough=lambda counts: counts.frames >= frames,
            topics=topics,
        )
        producer.flush()
    return counts.trades + counts.quotes


def summary(runs: dict[str, list[Run]]) -> dict[str, dict[str, Any]]:
    """Minimum, median and maximum of both rates, and what was lost."""

    def spread(values: list[float]) -> list[int]:
        return [round(value) for value in (min(values), statistics.median(values), max(values))]

    return {
        name: {
            "frames": done[0].frames,
            "lost": sum(run.frames - run.kept for run in done),
            "frames_per_second": spread([run.frames / run.wall_s for run in done]),
            "frames_per_processor_second": spread([run.frames / run.cpu_s for run in done]),
        }
        for name, done in runs.items()
    }


def table(report: dict[str, Any]) -> str:
    """The figures as the page shows them."""
    contenders = report["contenders"]
    frames = next(iter(contenders.values()))["frames"]
    lines = [
        f"{frames:,} frames of {VENUE} as fast as they are read, {report['rounds']} rounds; "
        f"{report['machine']['cores']} cores, load {report['machine']['load_before'][0]} before and "
        f"{report['load_after'][0]} after",
        "",
        f"{'min / median / max':36s} {'frames/s':26s} {'frames/s of processor time':28s} lost",
    ]
    for name, figures in contenders.items():
        wall, cpu = (
            " / ".join(f"{value:,}" for value in figures[key])
            for key in ("frames_per_second", "frames_per_processor_second")
        )
        lines.append(f"  {name:34s} {wall:26s} {cpu:28s} {figures['lost']}")
    kafka = contenders["collector, records in Kafka"]
    holds = kafka["frames_per_processor_second"][1] >= TARGET and kafka["lost"] == 0
    verdict = "holds" if holds else "does not hold"
    lines.append(f"  at least {TARGET:,} frames/s a core, into Kafka, none lost: {verdict}")
    return "\n".join(lines)
