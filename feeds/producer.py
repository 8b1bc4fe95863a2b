"""Records into Kafka: a thin producer with a bounded buffer, whose errors are one clear line."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, TopicAlreadyExistsError
from kafka.partitioner.default import DefaultPartitioner, murmur2

from feeds.pacing import Stop
from feeds.records import Outgoing
from jobs.errors import CutbankError
from jobs.settings import Settings

CONNECT_TIMEOUT_S = 10.0
"""How long to look for the broker before giving up."""

DELIVERY_TIMEOUT_S = 60.0
"""How long a record may wait for its acknowledgement: longer than a broker takes to start again."""

MAX_PENDING_RECORDS = 20_000
MAX_PENDING_BYTES = 32 * 1024 * 1024
"""What may wait for acknowledgement; when it is reached, `send` waits, and the feed with it."""

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""Above what the broker accepts: its refusal is the one that counts."""


_hash_of_key = lru_cache(maxsize=100_000)(murmur2)


class KeyPartitioner(DefaultPartitioner):  # type: ignore[misc] # kafka-python ships no types
    """Kafka's own choice of partitions; the hash of a key, ten microseconds in Python, is computed once."""

    def partition(
        self, topic: str, key: Any, serialized_key: bytes | None, value: Any, serialized_value: Any, cluster: Any
    ) -> int:
        """The partition of a record: by the hash of its key, any that is available where it has none."""
        there = cluster.partitions_for_topic(topic)
        if serialized_key is None or not there:
            found: int = super().partition(topic, key, serialized_key, value, serialized_value, cluster)
            return found
        chosen: int = sorted(there)[(_hash_of_key(serialized_key) & 0x7FFFFFFF) % len(there)]
        return chosen


def _away(settings: Settings, error: object) -> CutbankError:
    return CutbankError(
        f"no Kafka broker answers at {settings.bootstrap_servers} ({error}): start one with 'cutbank up', "
        "or set CUTBANK_BOOTSTRAP_SERVERS"
    )


def ensure_topics(settings: Settings, partitions: Mapping[str, int]) -> list[str]:
    """Create the topics which do not exist; the others stay as they are.

    Parameters
    ----------
    settings
        Which broker.
    partitions
        How many partitions a new topic gets, by topic.

    Returns
    -------
    list of str
        The topics created.

    Raises
    ------
    CutbankError
        No broker answers, or it refuses.
    """
    _quiet()
    try:
        admin = KafkaAdminClient(**settings.kafka_client(), bootstrap_timeout_ms=int(CONNECT_TIMEOUT_S * 1000))
    except (KafkaError, OSError, ValueError) as error:
        raise _away(settings, error) from error
    try:
        there = set(admin.list_topics())
        created = []
        for name in partitions:
            if name in there:
                continue
            try:
                admin.create_topics({name: {"num_partitions": partitions[name]}}, wait_for_metadata=True)
            except TopicAlreadyExistsError:  # somebody else was quicker
                continue
            created.append(name)
        return created
    except (KafkaError, ValueError) as error:
        raise CutbankError(
            f"the broker at {settings.bootstrap_servers} does not create the topics {', '.join(partitions)}: {error}"
        ) from error
    finally:
        admin.close()


class Producer:
    """Sends records and knows what became of them.

    A context manager: leaving it flushes and closes. `send` returns at once while fewer than
    `MAX_PENDING_RECORDS` records and `MAX_PENDING_BYTES` bytes wait for their acknowledgement. Records are
    written with ``acks=all`` by an idempotent producer: none twice, and in order within a partition.

    Parameters
    ----------
    settings
        Which broker.
    stop
        Ends a wait for room in the buffer.
    client
        A ready-made KafkaProducer instead, for tests.

    Raises
    ------
    CutbankError
        No broker answers within `CONNECT_TIMEOUT_S`.
    """

    def __init__(self, settings: Settings, *, stop: Stop | None = None, client: Any = None) -> None:
        _quiet()
        self._servers = settings.bootstrap_servers
        self._stop = stop
        self._change = threading.Condition()
        self._pending_records = self._pending_bytes = 0
        self._acknowledged = 0
        self._error: CutbankError | None = None
        if client is None:
            try:
                client = KafkaProducer(
                    **settings.kafka_client(),
                    bootstrap_timeout_ms=int(CONNECT_TIMEOUT_S * 1000),
                    max_block_ms=int(DELIVERY_TIMEOUT_S * 1000),
                    delivery_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
                    max_request_size=MAX_RECORD_BYTES,
                    batch_size=64 * 1024,
                    linger_ms=5,
                    partitioner=KeyPartitioner(),
                    reconnect_backoff_max_ms=1000,  # a local broker is back within seconds
                )
            except (KafkaError, OSError, ValueError) as error:
                raise _away(settings, error) from error
        self._client = client

    @property
    def acknowledged(self) -> int:
        """Records the broker has confirmed."""
        return self._acknowledged

    @property
    def pending(self) -> int:
        """Records sent and not confirmed yet."""
        return self._pending_records

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has.

        Raises
        ------
        CutbankError
            There is no such topic, or the broker does not say.
        """
        try:
            return len(self._client.partitions_for(topic))
        except (KafkaError, TypeError) as error:
            raise CutbankError(f"the broker at {self._servers} does not know the topic {topic!r} ({error})") from error

    def send(self, record: Outgoing) -> bool:
        """Hand one record over; waits where the buffer is full.

        Returns
        -------
        bool
            False where the end was asked for during that wait: the record was not taken.

        Raises
        ------
        CutbankError
            This record or an earlier one was not accepted. Nothing more is sent then.
        """
        size = len(record.value) + len(record.key or b"")
        with self._change:
            while self._error is None and self._is_full(size):
                if self._stop is not None and self._stop.requested:
                    return False
                self._change.wait(0.2)  # a signal sets no condition: look again now and then
            if self._error is not None:
                raise self._error
            self._pending_records += 1
            self._pending_bytes += size
        try:
            future = self._client.send(record.topic, value=record.value, key=record.key, partition=record.partition)
        except (KafkaError, ValueError, AssertionError) as error:
            refused = self._refused(record, error)
            self._done(size, refused)
            raise refused from error
        future.add_callback(lambda _: self._done(size, None))
        future.add_errback(lambda error: self._done(size, self._refused(record, error)))
        return True

    def _is_full(self, size: int) -> bool:
        return self._pending_records > 0 and (
            self._pending_records >= MAX_PENDING_RECORDS or self._pending_bytes + size > MAX_PENDING_BYTES
        )

    def _refused(self, record: Outgoing, error: object) -> CutbankError:
        detail = type(error).__name__
        said = next((str(part) for part in getattr(error, "args", ()) if part), "")
        if said:
            detail = f"{detail}: {said}"
        advice = "see 'cutbank status'"
        if isinstance(error, KafkaTimeoutError):
            advice = "it no longer answers; start it with 'cutbank up', then start this feed again"
        elif isinstance(error, MessageSizeTooLargeError):
            advice = "it is larger than the broker's message.max.bytes or the topic's max.message.bytes"
        return CutbankError(
            f"the broker at {self._servers} did not take a record of {len(record.value)} bytes for topic "
            f"{record.topic!r} ({detail}): {advice}"
        )

    def _done(self, size: int, error: CutbankError | None) -> None:
        with self._change:
            self._pending_records -= 1
            self._pending_bytes -= size
            if error is None:
                self._acknowledged += 1
            elif self._error is None:
                self._error = error
            self._change.notify_all()

    def flush(self, timeout_s: float = DELIVERY_TIMEOUT_S) -> None:
        """Wait until every record is confirmed.

        Raises
        ------
        CutbankError
            One was not accepted, or some are not confirmed within `timeout_s`.
        """
        end = time.monotonic() + timeout_s
        with suppress(KafkaError):  # a timeout: what is still pending says so below
            self._client.flush(timeout=timeout_s)
        with self._change:
            self._change.wait_for(
                lambda: self._error is not None or self._pending_records == 0,
                max(0.0, end - time.monotonic()),
            )
            if self._error is not None:
                raise self._error
            if self._pending_records:
                raise CutbankError(
                    f"the broker at {self._servers} has not confirmed {self._pending_records} records within "
                    f"{timeout_s:g} s: they may be lost; see 'cutbank status'"
                )

    def close(self, timeout_s: float = 5.0) -> None:
        """Give the connection back, without waiting longer than `timeout_s` for anything."""
        with suppress(KafkaError):  # what was not confirmed was said by `flush`
            self._client.close(timeout=timeout_s)

    def __enter__(self) -> Producer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close(5.0 if kind is None else 0.0)


def _quiet() -> None:
    # the client reports each connection attempt; our errors say it once
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
