"""The clocks and the waiting of a collector in one place, so that tests bring their own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Timing(Protocol):
    """What the collector knows of time."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def wall_ns(self) -> int:
        """Nanoseconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait, because there is nothing to do before."""
        ...

    async def tick(self, seconds: float) -> None:
        """Wait until it is time to look again."""
        ...


class RealTiming:
    """This machine's clocks."""

    def monotonic(self) -> float:
        """As the interpreter's."""
        return time.monotonic()

    def wall_ns(self) -> int:
        """As the interpreter's."""
        return time.time_ns()

    async def sleep(self, seconds: float) -> None:
        """As asyncio's."""
        await asyncio.sleep(seconds)

    async def tick(self, seconds: float) -> None:
        """As asyncio's sleep."""
        await asyncio.sleep(seconds)
