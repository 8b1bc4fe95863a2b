"""The lists that readers of a made-up site are shown, where a job makes them: read from a topic while the feed runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from feeds.pacing import Pacer, Stop
from jobs.errors import StackError
from jobs.settings import Settings
from jobs.stack import kafka_admin

#: Answers kept that nobody has asked for yet; what is older came too late.
MOST_KEPT = 20_000


class Answers:
    """Lists by the id of their request, as they come; called, it waits until the list is to be shown.

    Parameters
    ----------
    settings
        Which broker.
    topic
        Of ``{"request_id", "items"}``; None: there are no answers, the site shows its own lists.
    speed, start_ms
        Of the feed, whose event times say when a list is shown.
    stop
        Ends a wait.

    Attributes
    ----------
    given, missed : int
        Lists that came in time, and that did not.

    Raises
    ------
    StackError
        No broker answers.
    UsageError
        There is no such topic.
    """

    def __init__(self, settings: Settings, topic: str | None, speed: float, start_ms: int, stop: Stop) -> None:
        self._settings, self._topic, self._speed, self._start_ms = settings, topic, speed, start_ms
        self._pacer = Pacer(stop.wait)
        self._lists: dict[str, list[int]] = {}
        self._consumer: Any = None
        self.given = self.missed = 0

    def __enter__(self) -> Self:
        if self._topic is not None:
            with kafka_admin.admin(self._settings) as client:
                count = kafka_admin.partition_count(client, self._topic)
            try:
                self._consumer = KafkaConsumer(**self._settings.kafka_client(), enable_auto_commit=False)
                partitions = [TopicPartition(self._topic, number) for number in range(count)]
                self._consumer.assign(partitions)
                self._consumer.seek_to_end(*partitions)
            except KafkaError as error:
                raise StackError(f"reading {self._topic}: {type(error).__name__}: {error}") from error
        return self

    def __exit__(self, *error: object) -> None:
        if self._consumer is not None:
            self._consumer.close()

    def __call__(self, request: str, user: int, wanted: int, now_ms: int) -> Sequence[int] | None:
        """The list of a request, None where none came until it is to be shown."""
        if self._consumer is None:
            return None
        self._pacer.until((now_ms - self._start_ms) / 1000 / self._speed)
        for messages in self._consumer.poll(0).values():
            for message in messages:
                answer = json.loads(message.value)
                self._lists[answer["request_id"]] = answer["items"]
        while len(self._lists) > MOST_KEPT:
            del self._lists[next(iter(self._lists))]
        found = self._lists.pop(request, None)
        if not found:
            self.missed += 1
            return None
        self.given += 1
        return found
