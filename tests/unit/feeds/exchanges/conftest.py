"""What the tests of the exchanges share: a sink that keeps records by topic, clocks that pass when told."""

from __future__ import annotations

import asyncio
import heapq
import json
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from feeds.exchanges.staying import Liveness
from feeds.records import Outgoing

DEADLINE_S = 20.0
"""How long a test waits for what must happen; nothing is decided by it."""


class Topics:
    """In the place of a Producer: what was sent, by topic."""

    def __init__(self) -> None:
        self.by_topic: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.keys: dict[str, list[bytes | None]] = defaultdict(list)
        self.wait: Callable[[], None] = lambda: None

    def send(self, record: Outgoing) -> bool:
        self.wait()
        self.by_topic[record.topic].append(json.loads(record.value))
        self.keys[record.topic].append(record.key)
        return True

    @property
    def trades(self) -> list[dict[str, Any]]:
        return self.by_topic["market-trades"]

    @property
    def quotes(self) -> list[dict[str, Any]]:
        return self.by_topic["market-quotes"]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return self.by_topic["market-frames-rejects"]

    @property
    def links(self) -> list[dict[str, Any]]:
        return self.by_topic["market-links"]


class Link:
    """A connection as the intake sees it."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.liveness = Liveness(0.0)
        self.replaced = 0

    def replace_soon(self) -> None:
        self.replaced += 1


class VirtualTiming:
    """Clocks that stand still until somebody waits or a test says so; sockets stay real.

    A wait before a dial is over at once, and the clock jumps by it; looks at intervals happen only when the
    clock passes them.
    """

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waits: list[float] = []
        self._ticks: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self.now_s

    def wall_ns(self) -> int:
        return 1_800_000_000_000_000_000 + round(self.now_s * 1e9)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    async def tick(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._ticks, (self.now_s + seconds, next(self._order), future))
        await future

    def advance(self, seconds: float) -> None:
        """Let so much time pass; looks that are due happen."""
        self.now_s += seconds
        while self._ticks and self._ticks[0][0] <= self.now_s:
            _, _, future = heapq.heappop(self._ticks)
            if not future.done():
                future.set_result(None)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.002)


async def pass_time(timing: VirtualTiming, condition: Callable[[], bool]) -> None:
    """Let seconds of the virtual clock pass, with room for the sockets in between, until something is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            timing.advance(1.0)
            await asyncio.sleep(0.002)


@pytest.fixture
def topics() -> Topics:
    return Topics()
