"""One connection to a venue, from the dial to its end. Reads, stamps, hands over; decides nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, WebSocketException

from feeds.exchanges.counts import Counts
from feeds.exchanges.fields import MAX_FRAME_BYTES
from feeds.exchanges.inbox import Ended, Event, Inbox, Received
from feeds.exchanges.staying import Health, Liveness
from feeds.exchanges.timing import Timing
from feeds.exchanges.venue import Subscription, Venue

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
CHECK_S = 1.0
"""How often a connection's ages are looked at."""

FATAL_STATUSES = frozenset({400, 401, 404, 410, 451})
"""Answers to a dial that no later dial will change."""


class Outcome(NamedTuple):
    """How a connection ended.

    Attributes
    ----------
    detail
        In words.
    fatal
        Whether another dial is of no use.
    data_span_s
        Seconds between its first and its last data.
    """

    detail: str
    fatal: bool
    data_span_s: float


class Connection:
    """A dial, its subscriptions, its frames, and its end.

    Parameters
    ----------
    number
        Counts the connections of the collector, from 1.
    venue, subscription
        Whom to ask, and for what.
    inbox
        Takes frames and events.
    counts
        Is written: frames, bytes, drops.
    timing
        Clocks.
    on_first_data
        Called once, when the first data are known to have come.
    """

    def __init__(
        self,
        number: int,
        venue: Venue,
        subscription: Subscription,
        inbox: Inbox,
        counts: Counts,
        timing: Timing,
        on_first_data: Callable[[], None] = lambda: None,
    ) -> None:
        self.number = number
        self.liveness = Liveness(timing.monotonic(), venue.max_age_s)
        self.replace = asyncio.Event()
        """Set when another connection should take over while this one goes on."""
        self._venue, self._subscription, self._inbox = venue, subscription, inbox
        self._counts, self._timing, self._on_first_data = counts, timing, on_first_data
        self._socket: ClientConnection | None = None
        self._why: str | None = None
        self._loop = asyncio.get_running_loop()
        self._pinged_s = timing.monotonic()

    async def run(self) -> Outcome:
        """Dial, read until the end, and say how it ended. Raises nothing that the network can cause."""
        try:
            self._socket = await connect(self._subscription.url, **_options(self._subscription.url))
        except InvalidStatus as error:
            status = error.response.status_code
            return Outcome(f"the dial was answered with HTTP {status}", status in FATAL_STATUSES, 0.0)
        except InvalidURI as error:
            return Outcome(f"{error.uri!r} is no address of a web socket ({error.msg})", True, 0.0)
        except (OSError, EOFError, InvalidHandshake, WebSocketException) as error:
            return Outcome(f"the dial failed ({_reason(error)})", False, 0.0)
        self._counts.connections += 1
        now_s = self._timing.monotonic()
        self.liveness.opened_s = self.liveness.alive_s = self.liveness.data_at_s = self._pinged_s = now_s
        self._inbox.put(Event("connected", self.number, self._subscription.url))
        watchdog = asyncio.create_task(self._watch(self._socket))
        try:
            for message in self._subscription.messages:
                await self._socket.send(message)
            await self._read(self._socket)
        except ConnectionClosed as error:
            if self._why is None:
                self._why = f"the connection ended: {error}"
        finally:
            watchdog.cancel()
            with suppress(asyncio.CancelledError, ConnectionClosed, OSError):
                await watchdog
            if self._socket.transport is not None:
                self._socket.transport.abort()
            self._counts.lost += 1
            self._inbox.put(Event("lost", self.number, self._why or "the reader ended"))
            self._inbox.put(Ended(self.number))
        return Outcome(self._why or "the reader ended", False, self.liveness.data_span_s)

    async def close(self, why: str) -> None:
        """End it in an orderly way; `run` returns soon after."""
        self._why = self._why or why
        if self._socket is not None:
            await self._socket.close()

    def replace_soon(self) -> None:
        """Ask for another connection to take over; from any thread."""
        with suppress(RuntimeError):  # the loop has ended, and so has everything else
            self._loop.call_soon_threadsafe(self.replace.set)

    async def _read(self, socket: ClientConnection) -> None:
        put, timing, counts, liveness = self._inbox.put, self._timing, self._counts, self.liveness
        position = 0
        while True:
            frame: bytes = await socket.recv(decode=False)
            now_s = timing.monotonic()
            liveness.alive_s = now_s
            counts.frames += 1
            counts.frame_bytes += len(frame)
            received = Received(self, position, timing.wall_ns(), now_s, frame)
            if not put(received) and not await self._inbox.put_or_hold(received):
                counts.dropped += 1
            position += 1

    async def _watch(self, socket: ClientConnection) -> None:
        told = False
        while True:
            await self._timing.tick(CHECK_S)
            now_s = self._timing.monotonic()
            if not told and self.liveness.first_data_at_s is not None:
                told = True
                self._on_first_data()
            health = self.liveness.health(now_s)
            if health is Health.DEAD:
                self._why = f"no sign of life for {now_s - self.liveness.alive_s:.0f} s"
                socket.transport.abort()
                return
            if health is Health.QUIET:
                self._why = f"no data for {now_s - self.liveness.data_at_s:.0f} s"
                await socket.close()
                return
            if health is Health.OLD and not self.replace.is_set():
                self.replace.set()
            await self._ping(socket, now_s, health)

    async def _ping(self, socket: ClientConnection, now_s: float, health: Health) -> None:
        """Ask for a sign of life; the venue's own message goes out whether it is needed for that or not."""
        due = now_s - self._pinged_s >= self._venue.ping_s
        if not due or (self._venue.ping is None and health is not Health.ASK):
            return
        self._pinged_s = now_s
        if self._venue.ping is not None:
            await socket.send(self._venue.ping)
        asyncio.ensure_future(await socket.ping()).add_done_callback(self._answered)

    def _answered(self, answer: asyncio.Future[Any]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.liveness.alive_s = self._timing.monotonic()


def _options(url: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "open_timeout": OPEN_TIMEOUT_S,
        "close_timeout": CLOSE_TIMEOUT_S,
        "ping_interval": None,  # the collector asks for itself: it must know when the answer came
        "compression": None,  # market data are small and many: inflating costs more than it saves
        "max_size": MAX_FRAME_BYTES,
        "max_queue": 1024,
    }
    if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        options["proxy"] = None
    return options


def _reason(error: BaseException) -> str:
    said = str(error).strip()
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
