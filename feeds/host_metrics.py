"""The host-metrics feed: what this machine is doing, ten times a second, by psutil.

One record has the same columns on every machine: host, event_time, cpu_percent (all cores), load_1m,
memory_percent, and per second disk_read_bytes, disk_write_bytes, net_sent_bytes, net_received_bytes,
context_switches. A counter which the system does not have is 0.0. The network is what leaves the machine or
comes to it, not its traffic with itself.

Rates are differences of counters over the time that really passed since the sample before, so the first
sample gives no record. The CPU's counters advance in steps of 10 ms, which is 5 % of a tenth of a second on
two cores; its percentage is therefore measured over the last half second.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import psutil

from feeds.disturbance import Disturbance
from feeds.pacing import Pacer
from feeds.records import Outgoing, event_time, to_json

TOPIC = "host-metrics"
PARTITIONS = 1
RATE = 10.0
"""Records a second."""

CPU_WINDOW_S = 0.5
"""Over how many seconds `cpu_percent` is measured, or since the first sample where that is less."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters at one moment; None where the system has no such counter.

    Attributes
    ----------
    at_s
        Monotonic seconds.
    cpu_busy_s, cpu_total_s
        Seconds all cores together have worked, and have existed.
    load_1m, memory_percent
        As they are.
    disk_read_bytes, disk_write_bytes, net_sent_bytes, net_received_bytes, context_switches
        Since the system started.
    """

    at_s: float
    cpu_busy_s: float | None
    cpu_total_s: float | None
    load_1m: float | None
    memory_percent: float | None
    disk_read_bytes: int | None
    disk_write_bytes: int | None
    net_sent_bytes: int | None
    net_received_bytes: int | None
    context_switches: int | None


COUNTERS = ("disk_read_bytes", "disk_write_bytes", "net_sent_bytes", "net_received_bytes", "context_switches")
COLUMNS = ("cpu_percent", "load_1m", "memory_percent", *COUNTERS)
"""The numeric columns of a record, in their order."""


def read_counters() -> Reading:
    """The counters of this machine, now. Cost: about 0.3 ms."""
    busy, total = _cpu()
    disk = _try(lambda: psutil.disk_io_counters())
    net = _try(_network)
    memory = _try(lambda: psutil.virtual_memory())
    load = _try(lambda: psutil.getloadavg())
    stats = _try(lambda: psutil.cpu_stats())
    return Reading(
        at_s=time.monotonic(),
        cpu_busy_s=busy,
        cpu_total_s=total,
        load_1m=None if load is None else load[0],
        memory_percent=None if memory is None else 100.0 * (memory.total - memory.available) / memory.total,
        disk_read_bytes=None if disk is None else disk.read_bytes,
        disk_write_bytes=None if disk is None else disk.write_bytes,
        net_sent_bytes=None if net is None else net[0],
        net_received_bytes=None if net is None else net[1],
        context_switches=None if stats is None else stats.ctx_switches,
    )


def _cpu() -> tuple[float | None, float | None]:
    times = _try(lambda: psutil.cpu_times())
    if times is None:
        return None, None
    # guest time is part of user time, and waiting for a disk is not work
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total


def _network() -> tuple[int, int] | None:
    """Bytes sent and received, without what this machine says to itself: a local broker would drown the
    rest."""
    cards = psutil.net_io_counters(pernic=True)
    if not cards:
        return None
    outside = [card for name, card in cards.items() if name.rstrip("0123456789") != "lo" and "Loopback" not in name]
    return sum(card.bytes_sent for card in outside), sum(card.bytes_recv for card in outside)


def _try(read: Callable[[], Any]) -> Any:
    # not every system lets psutil read everything, and on some it lacks the function altogether
    try:
        return read()
    except (OSError, RuntimeError, NotImplementedError, AttributeError, psutil.Error):
        return None


class Rates:
    """Turns readings into the numbers of records.

    Parameters
    ----------
    warn
        Told, once for each, which columns stay 0 because the system has no such counter, and which counter
        has gone backwards.
    """

    def __init__(self, warn: Callable[[str], None] = lambda message: None) -> None:
        self._warn = warn
        self._told: set[str] = set()
        self._recent: deque[Reading] = deque()

    def take(self, now: Reading) -> dict[str, float] | None:
        """The numeric columns of one record.

        Parameters
        ----------
        now
            Read after the one before.

        Returns
        -------
        dict or None
            Column to finite number >= 0, in the order of `COLUMNS`; None for the first reading, and where no
            time has passed since the one before. A counter which went backwards (a device that was taken out)
            counts as 0.
        """
        recent = self._recent
        before = recent[-1] if recent else None
        if before is not None and now.at_s <= before.at_s:
            return None
        recent.append(now)
        if before is None:
            self._tell_missing(now)
            return None
        # the oldest reading still needed is the youngest one that is at least a window old
        while len(recent) > 2 and now.at_s - recent[1].at_s >= CPU_WINDOW_S - 1e-6:
            recent.popleft()
        record = {
            "cpu_percent": _cpu_percent(recent[0], now),
            "load_1m": round(now.load_1m or 0.0, 3),
            "memory_percent": round(now.memory_percent or 0.0, 3),
        }
        for name in COUNTERS:
            record[name] = self._per_second(name, before, now)
        return record

    def _per_second(self, name: str, before: Reading, now: Reading) -> float:
        old, new = getattr(before, name), getattr(now, name)
        if old is None or new is None:
            return 0.0
        if new < old:
            if name not in self._told:
                self._told.add(name)
                self._warn(f"{name}: the counter went backwards from {old} to {new}; such an interval counts as 0")
            return 0.0
        return float(round((new - old) / (now.at_s - before.at_s), 1))

    def _tell_missing(self, reading: Reading) -> None:
        names = {f.name for f in fields(reading) if getattr(reading, f.name) is None}
        missing = [name for name in COLUMNS[1:] if name in names]
        if {"cpu_busy_s", "cpu_total_s"} & names or not reading.cpu_total_s:
            missing.insert(0, "cpu_percent")
        if missing:
            self._warn(f"this system has no counter for {', '.join(missing)}: 0 instead")


def _cpu_percent(before: Reading, now: Reading) -> float:
    if now.cpu_busy_s is None or now.cpu_total_s is None or before.cpu_busy_s is None or before.cpu_total_s is None:
        return 0.0
    total = now.cpu_total_s - before.cpu_total_s
    if total <= 0.0:
        return 0.0
    return round(min(100.0, max(0.0, 100.0 * (now.cpu_busy_s - before.cpu_busy_s) / total)), 2)


def host_metrics(
    host: str,
    *,
    pacer: Pacer,
    rate: float = RATE,
    seconds: float | None = None,
    disturbance: Disturbance | None = None,
    topic: str = TOPIC,
    read: Callable[[], Reading] = read_counters,
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    warn: Callable[[str], None] = lambda message: None,
) -> Iterator[Outgoing]:
    """Records of this machine, each at its moment; waits for it itself.

    Parameters
    ----------
    host
        Name in the records, and their key.
    pacer
        The clock. A moment that was missed is left out: two samples in quick succession would say nothing.
    rate
        Records a second, > 0.
    seconds
        How long; None: until the pacer is stopped.
    disturbance
        Started and watched on the way; its beginning and end go to ``<topic>-truth``. Whoever made it ends
        it, should the feed end first.
    topic
        Where the records go.
    read, wall_ms
        The counters and the clock on the wall, for tests.
    warn
        Told about counters which are missing.

    Yields
    ------
    Outgoing
        `event_time` is the moment of the sample. The truth has `kind` "burst_start" and "burst_end".
    """
    rates = Rates(warn)
    key = host.encode()
    while True:
        numbers = rates.take(read())
        at = event_time(wall_ms())
        if disturbance is not None:
            for moment_ms, kind in disturbance.step(pacer.elapsed_s):
                yield truth(host, moment_ms, kind, topic=topic)
                if disturbance.failed:
                    warn("the disturbance was not complete: one of its processes failed; is the disk full?")
        if numbers is not None:
            yield Outgoing(topic, key, to_json({"host": host, "event_time": at, **numbers}))
        if not pacer.next_tick(1.0 / rate, end_s=seconds):
            return


def truth(host: str, moment_ms: int, kind: str, *, topic: str = TOPIC) -> Outgoing:
    """The record which says that a disturbance of `host` began or ended (`kind`) at `moment_ms` since
    1970."""
    record = {"host": host, "event_time": event_time(moment_ms), "kind": kind}
    return Outgoing(f"{topic}-truth", host.encode(), to_json(record), truth=True)
