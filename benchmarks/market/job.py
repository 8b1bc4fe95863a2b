"""What the job of the market takes: a steady rate of records, then a burst of one symbol, and how soon windows come.

A process of its own sends trades and quotes at the wanted rate, each with the time of its sending as event time.
Windows tell when they were written by the time of their Kafka record, which is that of sending and not of the commit.
The watermark is `DELAY_S` behind the newest record, so a window that ends at W could be written from W + `DELAY_S` on:
what it comes later is the figure. The way of the records to Kafka and the watermark's own interval are part of it.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.own_stack import own_stack
from benchmarks.results import machine, show, write
from feeds.pacing import Stop
from feeds.producer import Producer, ensure_topics
from feeds.records import Outgoing, event_time, parse_time
from jobs.settings import Settings
from jobs.stack import Stack
from jobs.stack.kafka_read import Record, reader
from jobs.stack.processes import wait_until
from jobs.submit import submit

PIPELINE: Final = Path(__file__).parents[2] / "sql" / "market.sql"
TRADES, QUOTES, WINDOWS = "market-trades", "market-quotes", "market-windows"
SYMBOLS: Final = (
    ("binance-spot", "BTC", "spot"), ("binance-spot", "ETH", "spot"), ("okx", "BTC", "spot"), ("okx", "ETH", "spot"),
    ("kraken", "BTC", "spot"), ("kraken", "ETH", "spot"), ("binance-usdm", "BTC", "perpetual"),
    ("binance-usdm", "ETH", "perpetual"),
)  # fmt: skip
"""Venue, base currency and kind; the quote currency is USDT."""

NOBODY: Final = "nobody"
"""The venue of the records that close the last windows."""

WAKING_S, WAKING_ROUNDS, AWAKE_MS = 10, 12, 3_000
"""Before anything counts: so many seconds at a time, until the newest window came within this of its watermark."""

RATE, WARM_S, STEADY_S = 5_000, 30, 90
BURST_RATE, BURST_S = 2_500, 10
QUOTES_IN: Final = 5
"""One in so many records is a trade, the others are quotes: about what venues send."""

SLIDE_S, DELAY_S, WINDOW_S = 5, 2, 60
TARGET_MS: Final = 1_000
"""From the watermark to the window, 99 of 100: the design's bar."""
PARTITIONS: Final = 2
STEP_S: Final = 0.01
TIMEOUT_S: Final = 300.0


def main() -> None:
    """Measure, write the figures, show them on the page."""
    report: dict[str, Any] = {"machine": machine()}
    with own_stack(parallelism=2, checkpoint_interval_ms=2_000) as stack:
        report |= measure(stack)
    report["machine"]["load_after"] = machine()["load_before"]
    text = table(report)
    print(text)
    print("written:", write("market_job", report), show("market-job", text))


def measure(
    stack: Stack, rate: int = RATE, warm_s: int = WARM_S, steady_s: int = STEADY_S, burst_s: int = BURST_S
) -> dict[str, Any]:
    """The steady rate and the burst behind it, through one job."""
    ensure_topics(stack.settings, dict.fromkeys((TRADES, QUOTES), PARTITIONS))
    submitted = submit(stack.settings, PIPELINE, {}, progress=print)
    woken = wake(stack.settings, rate)
    steady = fed(stack.settings, rate, warm_s + steady_s, None)
    burst = fed(stack.settings, BURST_RATE, burst_s, 0)
    close(stack.settings, burst["ended_ms"])
    sent = woken + steady["sent"] + burst["sent"]
    print(f"fed {steady['sent']:,} and {burst['sent']:,} records; the last windows", flush=True)
    with reader(stack.settings, WINDOWS) as topic:
        wait_until(lambda: counted(topic.all())[1] >= sent, TIMEOUT_S, every_s=2.0)
        delays, arrived = counted(topic.all())
    stack.rest.cancel(submitted.job_id)
    stack.rest.wait_for_end(submitted.job_id)
    return {
        "steady": {"wanted": rate, "seconds": steady_s}
        | steady
        | spread(delays, steady["begun_ms"] + 1_000 * warm_s, steady["ended_ms"]),
        "burst": {"wanted": BURST_RATE, "seconds": burst_s}
        | burst
        | spread(delays, burst["begun_ms"], burst["ended_ms"]),
        "lost": sent - arrived,
        "rejected": sum(_size(stack.settings, f"{topic}-rejects") for topic in (TRADES, QUOTES)),
        "late": _size(stack.settings, f"{QUOTES}-late"),
    }


# -------------------------------------------------------------------------------- feeding
def wake(settings: Settings, rate: int) -> int:
    """Feed until windows come as they should, so that a job that only starts is not measured; how much was sent."""
    sent = 0
    for _ in range(WAKING_ROUNDS):
        sent += fed(settings, rate, WAKING_S, None)["sent"]
        with reader(settings, WINDOWS) as topic:
            newest = max(counted(topic.all())[0], default=None)
        if newest is not None and newest[1] < AWAKE_MS:
            break
    return sent


def fed(settings: Settings, rate: int, seconds: int, only: int | None) -> dict[str, Any]:
    """What a process of its own has sent, of all symbols or of `only` one."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_feed, args=(settings, rate, seconds, only, theirs))
    process.start()
    try:
        found: dict[str, Any] = ours.recv()
        return found
    finally:
        process.join(60)


def _feed(settings: Settings, rate: int, seconds: int, only: int | None, pipe: Any) -> None:
    stop = Stop()
    with Producer(settings, stop=stop) as producer:
        begun_ms = time.time_ns() // 1_000_000
        sent = 0
        for due in _steps(rate, seconds, stop):
            at = event_time(time.time_ns() // 1_000_000)
            for number in range(sent, due):
                topic = QUOTES if number % QUOTES_IN else TRADES
                place = only if only is not None else number // QUOTES_IN % len(SYMBOLS)
                # by number: both topics have something in both partitions even when only one symbol is quoted
                partition = number // QUOTES_IN % PARTITIONS
                producer.send(Outgoing(topic, None, record(number, at, topic, place), partition=partition))
            sent = due
        producer.flush()
        ended_ms = time.time_ns() // 1_000_000
        pipe.send({"sent": sent, "acknowledged": producer.acknowledged, "begun_ms": begun_ms, "ended_ms": ended_ms})
    stop.close()


def _steps(rate: int, seconds: int, stop: Stop) -> Iterator[int]:
    """How many records are due, step by step, by the clock; who is late catches up."""
    begun, total = time.monotonic(), rate * seconds
    due = 0
    while due < total:
        stop.wait(STEP_S)
        due = min(total, round(rate * (time.monotonic() - begun)))
        yield due


def record(number: int, at: str, topic: str, place: int, venue: str | None = None) -> bytes:
    """Record `number`, as the collectors write it; prices go to and fro."""
    of, base, instrument = SYMBOLS[place]
    price = (60_000.0 if base == "BTC" else 2_600.0) * (1 + 1e-6 * (number * 7_919 % 201 - 100))
    head = (
        f'{{"venue":"{venue or of}","symbol":"{base}USDT","base":"{base}","quote":"USDT","instrument":"{instrument}",'
        f'"event_time":"{at}","event_time_source":"exchange","receive_time":"{at}",'
    )
    if topic == TRADES:
        tail = f'"price":{price:.2f},"size":0.01,"side":"buy","trade_id":"{number}"}}'
    else:
        tail = f'"bid":{price - 0.05:.2f},"bid_size":1.5,"ask":{price + 0.05:.2f},"ask_size":2.5}}'
    return (head + tail).encode()


def close(settings: Settings, ended_ms: int) -> None:
    """A last record of nobody's in each partition, late enough to close every window over what was fed."""
    at = event_time(ended_ms + 1_000 * (2 * WINDOW_S + DELAY_S))
    with Producer(settings) as producer:
        for topic in (TRADES, QUOTES):
            for partition in range(PARTITIONS):
                producer.send(Outgoing(topic, None, record(0, at, topic, 0, NOBODY), partition=partition))


# -------------------------------------------------------------------------------- what came out
def _size(settings: Settings, topic: str) -> int:
    with reader(settings, topic) as records:
        return sum(1 for _ in records.all())


def counted(written: Iterable[Record]) -> tuple[list[tuple[int, int]], int]:
    """End of each window with the milliseconds from its watermark to its writing; and the records in whole minutes.

    Windows of whole minutes do not overlap, and every record lies in one of them.
    """
    delays, arrived = list[tuple[int, int]](), 0
    for each in written:
        row = json.loads(each.value or b"{}")
        if row["venue"] == NOBODY:
            continue
        end_ms = parse_time(row["window_end"], option="window_end")
        delays.append((end_ms, each.timestamp_ms - end_ms - 1_000 * DELAY_S))
        if end_ms % (1_000 * WINDOW_S) == 0:
            arrived += row["trades"] + row["quotes"]
    return delays, arrived


def spread(delays: list[tuple[int, int]], begun_ms: int, ended_ms: int) -> dict[str, Any]:
    """How soon the windows came whose watermark lies within: median, 99 of 100, the longest; and both halves' medians.

    A job that falls behind has a second half that is slower than the first.
    """
    inside = sorted(each for each in delays if begun_ms <= each[0] <= ended_ms - 1_000 * (DELAY_S + 1))
    late = np.array([delay for _, delay in inside])
    if not late.size:
        return {"windows": 0}
    halves = np.array_split(late, 2)
    return {
        "windows": int(late.size),
        "p50_ms": round(float(np.percentile(late, 50))),
        "p99_ms": round(float(np.percentile(late, 99))),
        "longest_ms": int(late.max()),
        "halves_p50_ms": [round(float(np.percentile(half, 50))) for half in halves if half.size],
    }


# -------------------------------------------------------------------------------- the page
def table(report: dict[str, Any]) -> str:
    """The figures as the page shows them."""
    before, after = report["machine"]["load_before"][0], report["machine"]["load_after"][0]
    lines = [
        f"sql/market.sql, parallelism 2, windows of {WINDOW_S} s every {SLIDE_S} s, exactly once; "
        f"{report['machine']['cores']} cores, load {before} before and {after} after",
        "",
        f"{'':34s}{'sent/s':>8s}{'windows':>9s}   milliseconds from watermark to window: p50 / p99 / longest",
    ]
    for name, key in (("all symbols", "steady"), ("one symbol", "burst")):
        part = report[key]
        what = f"{name}, {part['wanted']:,}/s for {part['seconds']} s"
        took_s = (part["ended_ms"] - part["begun_ms"]) / 1_000
        came = (
            " / ".join(f"{part[name]:,}" for name in ("p50_ms", "p99_ms", "longest_ms")) if part["windows"] else "none"
        )
        lines.append(f"  {what:32s}{part['sent'] / took_s:>8,.0f}{part['windows']:>9,}   {came}")
    lines.append(f"  lost {report['lost']:,}, rejected {report['rejected']:,}, late {report['late']:,}")
    steady = report["steady"]
    kept = steady["sent"] / ((steady["ended_ms"] - steady["begun_ms"]) / 1_000) > 0.98 * steady["wanted"]
    holds = kept and steady.get("p99_ms", TARGET_MS) < TARGET_MS and report["lost"] == 0
    verdict = "holds" if holds else "does not hold"
    lines.append(f"  {steady['wanted']:,} records/s, p99 below {TARGET_MS:,} ms, none lost: {verdict}")
    return "\n".join(lines)
