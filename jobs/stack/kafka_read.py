"""Read a topic as a user of the results does: committed records only, no consumer group, nothing left
behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from jobs.errors import StackError
from jobs.settings import Settings
from jobs.stack import kafka_admin

_POLL_MS = 250


@dataclass(frozen=True)
class Record:
    """One record of a topic; ``timestamp_ms`` since 1970, as its producer set it."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


@contextlib.contextmanager
def reader(settings: Settings, topic: str) -> Iterator[TopicReader]:
    """A `TopicReader` of an existing topic, closed at the end.

    Raises
    ------
    UsageError
        There is no such topic; the message names those there are.
    StackError
        No broker answers.
    """
    with kafka_admin.admin(settings) as client:
        count = kafka_admin.partition_count(client, topic)
    try:
        consumer = _consumer(settings, "cutbank-reader")
    except KafkaError as error:
        raise StackError(f"no Kafka broker answers at {settings.bootstrap_servers}: {error}") from error
    try:
        yield TopicReader(consumer, [TopicPartition(topic, partition) for partition in range(count)])
    except KafkaError as error:
        raise StackError(f"reading {topic}: {type(error).__name__}: {error}") from error
    finally:
        consumer.close()


def follower(settings: Settings, topics: Iterable[str]) -> KafkaConsumer:
    """A consumer of several topics from their beginning, to be polled and, in the end, closed by the caller.

    Raises
    ------
    UsageError
        There is no such topic; the message names those there are.
    KafkaError
        No broker answers.
    """
    with kafka_admin.admin(settings) as client:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in range(kafka_admin.partition_count(client, topic))
        ]
    consumer = _consumer(settings, "cutbank-follower")
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    return consumer


def _consumer(settings: Settings, client_id: str) -> KafkaConsumer:
    """Reads what is committed, and remembers nowhere how far it came."""
    return KafkaConsumer(
        **settings.kafka_client(),
        client_id=client_id,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=16 * 1024 * 1024,
    )


class TopicReader:
    """Reads all partitions of one topic; made by `reader`."""

    def __init__(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions
        consumer.assign(partitions)

    def bounds(self) -> tuple[dict[int, int], dict[int, int]]:
        """First offset and the one after the last committed record, by partition, as of now."""
        first = self._consumer.beginning_offsets(self._partitions)
        end = self._consumer.end_offsets(self._partitions)
        return {tp.partition: o for tp, o in first.items()}, {tp.partition: o for tp, o in end.items()}

    def read(self, start: Mapping[int, int], end: Mapping[int, int], *, timeout_s: float = 60.0) -> Iterator[Record]:
        """Committed records from ``start`` up to ``end`` (exclusive), partition by partition in order of
        offset.

        Raises
        ------
        StackError
            Nothing came for ``timeout_s`` seconds although the end was not reached.
        """
        self._seek(start)
        waiting = {p for p in end if start.get(p, 0) < end[p]}
        for tp in self._partitions:
            if tp.partition not in waiting:
                self._consumer.pause(tp)
        deadline = time.monotonic() + timeout_s
        while waiting:
            for record in self._poll():
                deadline = time.monotonic() + timeout_s
                if record.partition in waiting and record.offset < end[record.partition]:
                    yield record
            for tp in self._partitions:  # the position also passes marks and what was aborted
                if tp.partition in waiting and self._consumer.position(tp) >= end[tp.partition]:
                    waiting.discard(tp.partition)
                    self._consumer.pause(tp)
            if waiting and time.monotonic() > deadline:
                raise StackError(f"{self._partitions[0].topic}: no record for {timeout_s:.0f} s before the end")
        self._consumer.resume(*self._partitions)

    def all(self, *, timeout_s: float = 60.0) -> Iterator[Record]:
        """Every committed record there is now."""
        start, end = self.bounds()
        yield from self.read(start, end, timeout_s=timeout_s)

    def last(self, count: int, end: Mapping[int, int] | None = None) -> list[Record]:
        """The last ``count`` committed records before ``end`` (default: now) by timestamp, oldest first.

        Reads backwards in growing steps, since offsets also hold transaction marks and aborted records.
        """
        first, now = self.bounds()
        end = now if end is None else end
        span = max(count, 16)
        while True:
            start = {p: max(first[p], end[p] - span) for p in end}
            found = list(self.read(start, end))
            held: dict[int, int] = dict.fromkeys(end, 0)
            for record in found:
                held[record.partition] += 1
            if all(held[p] >= count or start[p] <= first[p] for p in end):
                found.sort(key=lambda r: (r.timestamp_ms, r.partition, r.offset))
                return found[len(found) - min(count, len(found)) :]
            span *= 4

    def follow(self, start: Mapping[int, int], stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
        """Committed records from ``start`` on, as they come, until ``stop`` says so (asked four times a
        second)."""
        self._seek(start)
        while not stop():
            yield from self._poll()

    def _seek(self, start: Mapping[int, int]) -> None:
        self._consumer.resume(*self._partitions)
        for tp in self._partitions:
            self._consumer.seek(tp, start.get(tp.partition, 0))

    def _poll(self) -> list[Record]:
        found = []
        for tp, messages in self._consumer.poll(_POLL_MS).items():
            found += [Record(tp.partition, m.offset, m.timestamp, m.key, m.value) for m in messages]
        return found
