"""A fake exchange on this machine: recorded frames in a venue's own dialect, with the faults of a script."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from feeds.exchanges.dialects import DIALECTS, channels_of
from feeds.exchanges.faults import Fault, Step, plan
from feeds.exchanges.recording import Frame
from feeds.exchanges.timing import RealTiming, Timing

SETTLE_S = 0.25
"""A client that subscribes to less than the recording has is waited for so long after its last request."""


@dataclass(slots=True)
class Tally:
    """What the fake exchange has done.

    Attributes
    ----------
    sent, repeated, broken
        Frames: of the recording, sent again by a fault, damaged by a fault. A frame counts once, however many
        clients got it.
    unwanted
        Frames of channels nobody asked for.
    skipped
        Frames that a fault left out.
    announced
        Announcements of an end.
    dials, connections
        Requests that reached it, and those that were accepted.
    dialled_s
        When, by the clock of its timing.
    """

    sent: int = 0
    repeated: int = 0
    broken: int = 0
    unwanted: int = 0
    skipped: int = 0
    announced: int = 0
    dials: int = 0
    connections: int = 0
    dialled_s: list[float] = field(default_factory=list)


class _Client(ServerConnection):
    """A connection that can play dead."""

    muted = False

    def data_received(self, data: bytes) -> None:
        if not self.muted:
            super().data_received(data)


class FakeExchange:
    """A web socket server on loopback that plays one venue. A context manager.

    All clients see one stream: a frame that went out while nobody was connected is not kept for anybody, and
    none goes out before somebody has subscribed.

    Parameters
    ----------
    venue
        Whose dialect.
    frames
        What to send, in order.
    faults
        What goes wrong, see `feeds.exchanges.faults`.
    dials
        What the dials meet, one after the other; after the last of them all are accepted.
    speed
        So many times as fast as recorded; 0: as fast as clients read.
    timing
        Clock and waiting.
    port
        0: any that is free.
    together
        Where exchanges meet that begin as one: none sends before each of them has a subscriber.
    """

    def __init__(
        self,
        venue: str,
        frames: Sequence[Frame],
        *,
        faults: Sequence[Fault] = (),
        dials: Iterable[str] = (),
        speed: float = 0.0,
        timing: Timing | None = None,
        port: int = 0,
        together: asyncio.Barrier | None = None,
    ) -> None:
        self._together = together
        self._dialect = DIALECTS[venue]
        self._plan = plan(frames, faults)
        steps = self._plan.steps
        self._channels = channels_of(self._dialect, (step.frame.data for step in steps))
        self._needed = {channel for channel in self._channels if channel is not None}
        self._dials: Iterator[str] = iter(dials)
        self._speed = speed
        self._timing = timing if timing is not None else RealTiming()
        self._port = port
        self._clients: dict[_Client, set[str]] = {}
        self._ready = asyncio.Event()
        self.finished = asyncio.Event()
        """Set when the recording is over."""
        self.tally = Tally(skipped=self._plan.skipped)

    @property
    def url(self) -> str:
        """The address to give to a collector in place of the venue's."""
        return f"ws://127.0.0.1:{self._port}"

    async def __aenter__(self) -> FakeExchange:
        self._server: Server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            process_request=self._answer_dial,
            create_connection=_Client,
            compression=None,
            ping_interval=None,
            close_timeout=1.0,
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        self._pump = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await self._pump
        for client in list(self._clients):
            client.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def join(self) -> None:
        """Until the recording is over; raises what stopped it."""
        over = asyncio.ensure_future(self.finished.wait())
        try:
            await asyncio.wait([over, self._pump], return_when=asyncio.FIRST_COMPLETED)
            if self._pump.done():
                self._pump.result()
        finally:
            over.cancel()

    def _answer_dial(self, client: ServerConnection, request: Request) -> Response | None:
        self.tally.dials += 1
        self.tally.dialled_s.append(self._timing.monotonic())
        dial = next(self._dials, "ok")
        if dial == "refuse":
            client.transport.abort()
        elif dial == "close":
            client.close_at_once = True  # type: ignore[attr-defined]
        elif dial != "ok":
            return client.respond(http.HTTPStatus(int(dial)), "by order of the script\n")
        return None

    async def _serve(self, client: ServerConnection) -> None:
        assert isinstance(client, _Client) and client.request is not None
        self.tally.connections += 1
        if getattr(client, "close_at_once", False):
            return
        channels = self._dialect.connected(client.request.path)
        self._clients[client] = channels
        settled: asyncio.TimerHandle | None = None
        try:
            self._look_ready(channels)
            if channels:
                settled = self._settle()
            async for message in client:
                data = message.encode() if isinstance(message, str) else message
                wanted, answers = self._dialect.heard(data)
                for answer in answers:
                    await client.send(answer, text=True)
                if wanted:
                    channels |= wanted
                    self._look_ready(channels)
                    if settled is not None:
                        settled.cancel()
                    settled = self._settle()
        except ConnectionClosed:
            pass
        finally:
            if settled is not None:
                settled.cancel()
            self._clients.pop(client, None)
            if not self._clients:
                self._ready.clear()

    def _settle(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(SETTLE_S, self._ready.set)

    def _look_ready(self, channels: set[str]) -> None:
        if channels and self._needed <= channels:
            self._ready.set()

    async def _play(self) -> None:
        if self._together is not None:
            await self._ready.wait()
            await self._together.wait()
        started_s: float | None = None
        first_ns = 0
        for step, channel in zip(self._plan.steps, self._channels, strict=True):
            if not self._ready.is_set():
                await self._ready.wait()
            if self._speed > 0.0:
                if started_s is None:
                    started_s, first_ns = self._timing.monotonic(), step.frame.at_ns
                due_s = started_s + (step.frame.at_ns - first_ns) / 1e9 / self._speed
                if (left_s := due_s - self._timing.monotonic()) > 0.0:
                    await self._timing.sleep(left_s)
            if step.do == "send":
                await self._send(step, channel)
            else:
                await self._fault(step)
        self.finished.set()

    async def _send(self, step: Step, channel: str | None) -> None:
        while True:
            there = list(self._clients.items())
            reached = 0
            for client, channels in there:
                if channel is None or channel in channels:
                    with suppress(ConnectionClosed):
                        await client.send(step.frame.data, text=True)
                        reached += 1
            if reached:
                setattr(self.tally, step.was, getattr(self.tally, step.was) + 1)
                return
            if there and not any(channel is None or channel in channels for _, channels in there):
                self.tally.unwanted += 1
                return
            await self._gone()  # everybody left while it was sent: the next one gets it
            await self._ready.wait()

    async def _fault(self, step: Step) -> None:
        there: list[Any] = list(self._clients)
        if step.do == "goodbye" and self._dialect.goodbye is not None:
            for client in there:
                with suppress(ConnectionClosed):
                    await client.send(self._dialect.goodbye, text=True)
                    self.tally.announced += 1
            while sum(bool(channels) for channels in self._clients.values()) < step.value:
                await asyncio.sleep(0.001)
            return
        if step.do == "cut":
            for client in there:
                client.transport.close()  # what was sent still arrives, but no close frame
        elif step.do == "close":
            await asyncio.gather(*(client.close(step.value) for client in there))
        elif step.do == "silence":
            for client in there:
                client.muted = True
        elif step.do == "pings_only":
            for client in there:
                with suppress(ConnectionClosed):
                    await client.ping()
        await self._gone()

    async def _gone(self) -> None:
        """Until every client of this moment has gone."""
        there = list(self._clients)
        await asyncio.gather(*(client.wait_closed() for client in there))
        while any(client in self._clients for client in there):
            await asyncio.sleep(0.001)  # its own task takes it off the list
