"""Topics of a broker: create, list with counts, end offsets, delete. Works against any broker of the
settings."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from jobs.errors import StackError, UsageError
from jobs.settings import Settings
from jobs.stack.processes import answers

# The client tells of every refused connection while a broker starts; what matters reaches the user as an
# error.
logging.getLogger("kafka").addHandler(logging.NullHandler())


_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")

_NOBODY = "no Kafka broker answers at {servers} ({reason}); is it running? see `cutbank status`"


@dataclass(frozen=True)
class Topic:
    """A topic and how many records lie between its first and last offset.

    ``records`` counts offsets: records of open or aborted transactions and transaction marks are among them,
    so it is an upper bound of what a reader of committed records gets.
    """

    name: str
    partitions: int
    records: int


def is_topic_name(name: str) -> bool:
    """Whether Kafka would take it as a topic name."""
    return _TOPIC_NAME.fullmatch(name) is not None and name not in (".", "..")


@contextlib.contextmanager
def admin(settings: Settings, *, patience_s: float = 20.0) -> Iterator[Any]:
    """An admin client, closed at the end.

    A broker that does not answer within ``patience_s`` seconds is a `StackError` that says so, and at once where
    nobody listens.
    """
    client = None
    if not any(_accepts(server) for server in settings.bootstrap_servers.split(",")):
        raise StackError(_NOBODY.format(servers=settings.bootstrap_servers, reason="nobody listens"))
    try:
        client = KafkaAdminClient(
            **settings.kafka_client(),
            client_id="cutbank",
            request_timeout_ms=20_000,
            bootstrap_timeout_ms=int(patience_s * 1000),
        )
        yield client
    except KafkaError as error:
        if client is None:
            reason = type(error).__name__
            raise StackError(_NOBODY.format(servers=settings.bootstrap_servers, reason=reason)) from error
        raise StackError(f"Kafka at {settings.bootstrap_servers}: {error}") from error
    finally:
        if client is not None:
            client.close()


def _accepts(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return answers(int(port), host, timeout_s=5.0)


def is_ready(settings: Settings) -> bool:
    """Whether a broker answers and has registered itself (a topic could be created now)."""
    try:
        with admin(settings, patience_s=2.0) as client:
            return any(not broker.get("is_fenced") for broker in client.describe_cluster()["brokers"])
    except (StackError, OSError):
        return False


def create_topics(
    settings: Settings, topics: Mapping[str, int], *, configs: Mapping[str, str] | None = None
) -> list[str]:
    """Create the topics that are missing and wait until each has a leader.

    Parameters
    ----------
    topics
        Partitions by topic name.
    configs
        Topic configuration for the ones that are created.

    Returns
    -------
    Names of those that were created; an existing one is left as it is, whatever its partitions.
    """
    created: list[str] = []
    with admin(settings) as client:
        have = set(client.list_topics())
        for name, partitions in topics.items():
            if name in have:
                continue
            wanted = {"num_partitions": partitions, "replication_factor": -1, "configs": dict(configs or {})}
            with contextlib.suppress(TopicAlreadyExistsError):  # somebody else was quicker
                client.create_topics({name: wanted})
                created.append(name)
        if created:
            client.wait_for_topics(created, timeout_ms=20_000)
    return created


def list_topics(settings: Settings, *, internal: bool = False) -> list[Topic]:
    """All topics by name with partitions and number of offsets; internal ones (``__...``) only on request."""
    with admin(settings) as client:
        described = [
            topic
            for topic in client.describe_topics()
            if internal or not (topic["is_internal"] or topic["name"].startswith("__"))
        ]
        partitions = {topic["name"]: len(topic["partitions"]) for topic in described}
        ends = _offsets(client, partitions, OffsetSpec.LATEST)
        starts = _offsets(client, partitions, OffsetSpec.EARLIEST)
    counts = dict.fromkeys(partitions, 0)
    for (name, partition), end in ends.items():
        counts[name] += end - starts.get((name, partition), 0)
    return [Topic(name, partitions[name], counts[name]) for name in sorted(partitions)]


def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """The offset after the last record, by partition."""
    with admin(settings) as client:
        count = partition_count(client, topic)
        return {p: end for (_, p), end in _offsets(client, {topic: count}, OffsetSpec.LATEST).items()}


def delete_topics(settings: Settings, names: Iterable[str]) -> list[str]:
    """Delete topics with their records; returns the names that existed."""
    deleted = []
    with admin(settings) as client:
        for name in names:
            with contextlib.suppress(UnknownTopicOrPartitionError):
                client.delete_topics([name])
                deleted.append(name)
    return deleted


def partition_count(client: Any, topic: str) -> int:
    """Partitions of a topic, or a `UsageError` that names the topics there are."""
    names = client.list_topics()
    if topic not in names:
        shown = sorted(name for name in names if not name.startswith("__"))
        raise UsageError(f"there is no topic {topic!r}; topics: {', '.join(shown) or 'none yet'}")
    return len(client.describe_topics([topic])[0]["partitions"])


def _offsets(client: Any, partitions: Mapping[str, int], spec: int) -> dict[tuple[str, int], int]:
    wanted = {TopicPartition(name, p): spec for name, count in partitions.items() for p in range(count)}
    if not wanted:
        return {}
    found = client.list_partition_offsets(wanted)
    return {(tp.topic, tp.partition): int(answer.offset) for tp, answer in found.items()}
