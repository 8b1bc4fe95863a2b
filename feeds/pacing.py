"""When a record goes: pacing against a monotonic clock, and the request to stop."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """A request to end, which wakes whoever waits for it.

    Safe to make from a signal handler: it is a byte in a pipe, and takes no lock the interrupted code may
    hold.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._requested = False

    @property
    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._requested

    def request(self) -> None:
        """Ask for the end; asking again changes nothing."""
        if not self._requested:
            self._requested = True
            os.write(self._write, b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; whether the end was asked for."""
        if not self._requested and seconds > 0:
            select.select([self._read], [], [], seconds)
        return self._requested

    def close(self) -> None:
        """Give the pipe back; the object is of no use afterwards."""
        os.close(self._read)
        os.close(self._write)


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A `Stop` that SIGINT and SIGTERM ask for; the earlier handlers come back at the end.

    The first signal asks, and at once gives way to the system's own handling: a second one ends the process,
    should the orderly way hang. To be entered in the main thread.
    """
    stop = Stop()
    earlier: dict[signal.Signals, signal._HANDLER] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.request()

    for name in (signal.SIGINT, signal.SIGTERM):
        earlier[name] = signal.signal(name, ask)
    try:
        yield stop
    finally:
        for name, handler in earlier.items():
            signal.signal(name, handler)
        stop.close()


class Pacer:
    """Deadlines counted from one start, so that lateness never adds up. `next_tick` is for one period a
    pacer.

    Parameters
    ----------
    wait
        Waits at most so many seconds and says whether the end was asked for (`Stop.wait`).
    clock
        Monotonic seconds.
    """

    def __init__(self, wait: Callable[[float], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._wait, self._clock = wait, clock
        self._start = clock()
        self._tick = 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._start

    def until(self, offset_s: float) -> bool:
        """Wait until `offset_s` seconds after the start; at once where that is past, so what is behind
        catches up.

        Returns
        -------
        bool
            False where the end was asked for instead.
        """
        while (left := offset_s - self.elapsed_s) > 0:
            if self._wait(left):
                return False
        return True

    def next_tick(self, period_s: float, *, end_s: float | None = None) -> bool:
        """Wait for the next whole multiple of `period_s`; ticks which are past are left out, not made up for.

        This is the pace of a measurement: two samples in quick succession would say nothing.

        Returns
        -------
        bool
            False where the end was asked for, or where the tick would lie at or after `end_s`; then it does
            not wait for the tick.
        """
        # never the same tick twice, should rounding put its moment a hair before itself
        self._tick = max(int(self.elapsed_s / period_s), self._tick) + 1
        tick = self._tick * period_s
        if end_s is not None and tick >= end_s:
            self.until(end_s)
            return False
        return self.until(tick)
