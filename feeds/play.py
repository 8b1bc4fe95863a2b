"""The loop of every feed: take a record, wait until it is due, send it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from feeds.pacing import Pacer, Stop
from feeds.records import Outgoing


class Sink(Protocol):
    """Where records go (`feeds.producer.Producer`)."""

    def send(self, record: Outgoing) -> bool:
        """Take one record; False: it was not taken, because the end was asked for."""
        ...


@dataclass(slots=True)
class Played:
    """What a feed has sent.

    Attributes
    ----------
    records
        Data records.
    truths
        Records that say what really happened.
    value_bytes
        Bytes of all values.
    seconds
        How long it took, on the clock of the pacer.
    interrupted
        Whether it was asked to end before its input or limit did.
    """

    records: int = 0
    truths: int = 0
    value_bytes: int = 0
    seconds: float = 0.0
    interrupted: bool = False


def play(
    records: Iterable[Outgoing],
    sink: Sink,
    *,
    pacer: Pacer,
    stop: Stop,
    limit: int | None = None,
    on_sent: Callable[[Played], None] | None = None,
) -> Played:
    """Send records when they are due, until they or `limit` data records are through, or the end is asked
    for.

    Parameters
    ----------
    records
        In the order they are due; may be endless.
    sink
        Takes them. A sink which is slow makes them late, never fewer.
    pacer, stop
        The clock, and who may end it.
    limit
        How many data records at most; None: all.
    on_sent
        Called after each record with the counts so far.

    Returns
    -------
    Played
        The counts.
    """
    played = Played()
    if limit != 0:
        for record in records:
            if stop.requested or (record.due_s is not None and not pacer.until(record.due_s)) or not sink.send(record):
                break
            if record.truth:
                played.truths += 1
            else:
                played.records += 1
            played.value_bytes += len(record.value)
            played.seconds = pacer.elapsed_s
            if on_sent is not None:
                on_sent(played)
            if played.records == limit:
                break
    played.seconds = pacer.elapsed_s
    played.interrupted = stop.requested
    return played
