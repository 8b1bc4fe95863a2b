"""A venue collected into Kafka: reader loop here, sending thread there, until it is enough or something fails."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from itertools import count

import orjson

from feeds.exchanges.collector import Collector, tell_status
from feeds.exchanges.counts import Counts
from feeds.exchanges.inbox import Ended, Event, Inbox, Received
from feeds.exchanges.intake import BORROW_S, Intake
from feeds.exchanges.staying import AttemptBudget
from feeds.exchanges.timing import RealTiming, Timing
from feeds.exchanges.values import MARKET, Topics, iso
from feeds.exchanges.venue import Venue
from feeds.play import Sink
from feeds.records import Outgoing
from jobs.errors import CutbankError

BATCH = 500
"""Frames the sending thread takes at a time."""

LOOK_S = 0.1
"""How often the reader looks whether it is enough."""


class Sender:
    """The sending thread: takes the inbox through the intake to the sink until the inbox is exhausted.

    Parameters
    ----------
    venue, sink, counts, borrow_s, topics
        For the `Intake`.
    inbox
        What it takes from.
    timing
        Dates the events.
    tell
        Takes sentences for the operator.
    """

    def __init__(
        self,
        venue: Venue,
        sink: Sink,
        inbox: Inbox,
        counts: Counts,
        *,
        timing: Timing,
        tell: Callable[[str], None],
        borrow_s: float = BORROW_S,
        topics: Topics = MARKET,
    ) -> None:
        self._venue, self._sink, self._inbox, self._counts = venue, sink, inbox, counts
        self._timing, self._tell, self._topics = timing, tell, topics
        self._intake = Intake(venue, sink, counts=counts, on_event=self._event, borrow_s=borrow_s, topics=topics)
        self._last: Received | None = None
        self.error: BaseException | None = None
        """Why it ended before its time."""

    def run(self) -> None:
        """Until the inbox is exhausted, or a record is not accepted; then the rest is dropped and counted."""
        try:
            while not self._inbox.exhausted:
                for item in self._inbox.take(BATCH, 0.05):
                    if isinstance(item, Received):
                        self._last = item
                        self._intake.take(item)
                    elif isinstance(item, Ended):
                        self._intake.forget(item.connection)
                    else:
                        self._event(item)
        except Exception as error:  # told by `error` to the loop, which ends the command with it
            self.error = error

    def _event(self, event: Event) -> None:
        if event.kind == "closing" and self._last is not None:
            self._last.link.replace_soon()
        sentence = _sentence(self._venue.name, event)
        if sentence is not None:
            self._tell(sentence)
        record = {
            "venue": self._venue.name,
            "connection": event.connection,
            "event_time": iso(self._timing.wall_ns()),
            "kind": event.kind,
            "symbol": event.symbol,
            "detail": event.detail,
            "missing": event.missing,
            "heartbeat_age_ms": event.heartbeat_age_ms,
            "data_age_ms": event.data_age_ms,
            "frames": self._counts.frames,
            "dropped": self._counts.dropped,
            "duplicates": self._counts.duplicates,
            "rejects": self._counts.rejects.total(),
        }
        self._sink.send(Outgoing(self._topics.links, self._venue.name.encode(), orjson.dumps(record)))


def _sentence(venue: str, event: Event) -> str | None:
    if event.kind in ("status", "gap"):
        return None  # one of many: their numbers are in the summary
    connection = f" connection {event.connection}" if event.connection else ""
    return f"{venue}:{connection} {event.kind.replace('_', ' ')}: {event.detail}"


async def collect(
    venue: Venue,
    url: str,
    symbols: Sequence[str],
    sink: Sink,
    counts: Counts,
    *,
    enough: Callable[[Counts], bool],
    tell: Callable[[str], None] = lambda sentence: None,
    timing: Timing | None = None,
    rng: random.Random | None = None,
    inbox: Inbox | None = None,
    borrow_s: float = BORROW_S,
    give_up_after_s: float | None = None,
    topics: Topics = MARKET,
) -> Counts:
    """Collect symbols of a venue into a sink.

    Parameters
    ----------
    venue, url, symbols
        What to collect from where; more symbols than one connection takes are spread over several.
    sink
        Takes records; a sink that waits fills the inbox, never the socket.
    counts
        Is written while it runs.
    enough
        Looked at ten times a second: True ends it.
    tell
        Takes sentences for the operator.
    timing, rng, inbox
        Others than the real ones, for tests.
    borrow_s, topics
        See `Intake`.
    give_up_after_s
        See `Collector`.

    Returns
    -------
    Counts
        After everything that was received has been handed to the sink.

    Raises
    ------
    CutbankError
        A connection was given up (the others of the same call are ended too), or a record was not accepted.
    """
    timing = timing if timing is not None else RealTiming()
    rng = rng if rng is not None else random.Random()
    inbox = inbox if inbox is not None else Inbox()
    budget, numbers = AttemptBudget(), count(1)
    size = venue.max_symbols
    collectors = [
        Collector(
            venue,
            url,
            symbols[start : start + size],
            inbox,
            counts,
            timing=timing,
            rng=rng,
            budget=budget,
            numbers=numbers,
            give_up_after_s=give_up_after_s,
        )
        for start in range(0, len(symbols), size)
    ]
    sender = Sender(venue, sink, inbox, counts, timing=timing, tell=tell, borrow_s=borrow_s, topics=topics)
    thread = threading.Thread(target=sender.run, name=f"{venue.name} sender")
    stop = asyncio.Event()
    keeping = [asyncio.create_task(collector.run(stop)) for collector in collectors]
    status = asyncio.create_task(tell_status(collectors, inbox, timing))
    thread.start()
    try:
        while not enough(counts) and sender.error is None and not any(task.done() for task in keeping):
            await asyncio.sleep(LOOK_S)
    finally:
        stop.set()
        try:
            ended = await asyncio.gather(*keeping, return_exceptions=True)
        finally:  # also when it is told to hurry: the sending thread would keep the process alive
            status.cancel()
            inbox.close()
        while thread.is_alive():
            await asyncio.sleep(0.01)
        counts.dropped += sum(isinstance(item, Received) for item in inbox.take(1 << 40, 0.0))  # after a failure
    for error in (sender.error, *ended):
        if isinstance(error, CutbankError):
            raise error
        if error is not None:
            raise CutbankError(f"{venue.name}: the collector failed: {type(error).__name__}: {error}") from error
    return counts
