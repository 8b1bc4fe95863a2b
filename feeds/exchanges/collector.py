"""Staying connected to a venue: dial, wait, dial again, hand over before the venue's 24 hours are up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from feeds.exchanges.connection import Connection, Outcome
from feeds.exchanges.counts import Counts
from feeds.exchanges.inbox import Event, Inbox
from feeds.exchanges.staying import HEALTHY_S, AttemptBudget, Backoff
from feeds.exchanges.timing import Timing
from feeds.exchanges.venue import Venue
from jobs.errors import CutbankError

STATUS_S = 5.0
"""How often each connection's ages are told."""


class GivenUp(CutbankError):
    """A venue's connection will not be dialled again."""


class Collector:
    """Keeps one connection to a venue alive for as long as it is wanted.

    Waits follow `Backoff`, and no five minutes see more dials than `AttemptBudget` allows. Before a connection
    reaches the venue's age limit, or when the venue announces its end, a second one is opened and the first
    goes on until the second brings data: what both bring is told apart by its numbers.

    Parameters
    ----------
    venue, url, symbols
        Whom to ask for what.
    inbox, counts
        Where frames go, and where they are counted.
    timing, rng
        Clocks and jitter.
    budget
        Shared by all collectors of a venue in this process.
    numbers
        Gives each connection its number.
    give_up_after_s
        So long without data end it; None: it never gives up, unless the venue says that it is of no use.
    """

    def __init__(
        self,
        venue: Venue,
        url: str,
        symbols: Sequence[str],
        inbox: Inbox,
        counts: Counts,
        *,
        timing: Timing,
        rng: random.Random,
        budget: AttemptBudget | None = None,
        numbers: Iterator[int] | None = None,
        give_up_after_s: float | None = None,
    ) -> None:
        self._venue, self._inbox, self._counts = venue, inbox, counts
        self._subscription = venue.subscription(url, symbols)
        self._timing = timing
        self._backoff = Backoff(rng)
        self._budget = budget if budget is not None else AttemptBudget()
        self._numbers = numbers if numbers is not None else count(1)
        self._give_up_after_s = give_up_after_s
        self._data_s = timing.monotonic()
        self._live: dict[int, Connection] = {}
        self.waits_s: list[float] = []
        """Waits before dials, the last thousand of them."""

    @property
    def connections(self) -> list[Connection]:
        """Those that are open or being opened."""
        return list(self._live.values())

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop` is set.

        Raises
        ------
        GivenUp
            The venue refused in a way that no further dial changes, or brought nothing for too long.
        """
        tasks: set[asyncio.Task[Outcome]] = set()
        try:
            while not stop.is_set():
                await self._room(stop)
                if stop.is_set():
                    return
                task, connection = self._dial()
                tasks.add(task)
                replaced = await _first(task, connection.replace, stop)
                if stop.is_set():
                    return
                self._backoff.brought_data_for(connection.liveness.data_span_s)
                if connection.liveness.data_span_s > 0.0:
                    self._data_s = max(self._data_s, connection.liveness.data_at_s)
                if replaced:
                    if connection.liveness.data_span_s < HEALTHY_S:
                        await self._wait(self._backoff.next_s(), stop)
                    continue
                tasks.discard(task)
                self._check(task.result())
                await self._wait(self._backoff.next_s(), stop)
        finally:
            await asyncio.gather(*(connection.close("the end was asked for") for connection in self.connections))
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    def _dial(self) -> tuple[asyncio.Task[Outcome], Connection]:
        before = self.connections
        number = next(self._numbers)

        def take_over() -> None:
            for connection in before:
                closing.add(asyncio.ensure_future(connection.close(f"connection {number} took over")))

        closing: set[asyncio.Future[None]] = set()
        connection = Connection(
            number, self._venue, self._subscription, self._inbox, self._counts, self._timing, take_over
        )
        self._live[number] = connection
        self._counts.attempts += 1
        self._budget.spend(self._timing.monotonic())
        task = asyncio.create_task(connection.run())
        task.add_done_callback(lambda _: self._live.pop(number, None))
        return task, connection

    def _check(self, outcome: Outcome) -> None:
        now_s = self._timing.monotonic()
        without_s = now_s - self._data_s
        why = outcome.detail if outcome.fatal else None
        if why is None and self._give_up_after_s is not None and without_s > self._give_up_after_s:
            why = f"nothing came for {without_s:.0f} s, and the last try ended so: {outcome.detail}"
        if why is not None:
            self._inbox.put(Event("given_up", 0, why))
            raise GivenUp(f"{self._venue.name}: the connection was given up: {why}; see {self._subscription.url[:80]}")
        if outcome.data_span_s == 0.0:
            self._inbox.put(Event("retry", 0, outcome.detail))

    async def _room(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and (wait_s := self._budget.wait_s(self._timing.monotonic())) > 0.0:
            await self._wait(wait_s, stop)

    async def _wait(self, seconds: float, stop: asyncio.Event) -> None:
        self.waits_s = [*self.waits_s[-999:], seconds]
        waiting = asyncio.ensure_future(self._timing.sleep(seconds))
        try:
            await _first(waiting, stop)
        finally:
            waiting.cancel()


async def _first(task: asyncio.Future[Any], *events: asyncio.Event) -> bool:
    """Wait for the task or one of the events; whether the task was not the first."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait([task, *waits], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for waiting in waits:
            waiting.cancel()
    return not task.done()


async def tell_status(collectors: Sequence[Collector], inbox: Inbox, timing: Timing, every_s: float = STATUS_S) -> None:
    """Put the ages of every connection into the inbox, for ever."""
    while True:
        await timing.tick(every_s)
        now_s = timing.monotonic()
        for collector in collectors:
            for connection in collector.connections:
                alive_ms = round((now_s - connection.liveness.alive_s) * 1000)
                data_ms = round((now_s - connection.liveness.data_at_s) * 1000)
                inbox.put(Event("status", connection.number, "", None, 0, alive_ms, data_ms))
