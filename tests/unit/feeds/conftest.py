"""What the tests of the feeds share: a clock that is told the time, and a sink that keeps what it gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from feeds.records import Outgoing
from jobs.cli import feeding


class Clock:
    """Monotonic seconds that pass only by waiting or when told so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.stop_at = float("inf")
        self.overshoot = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        """As `Stop.wait`: True when the end was asked for."""
        assert seconds > 0, "nobody waits for the past"
        self.waits.append(seconds)
        self.now = min(self.now + max(seconds, 1e-9) + self.overshoot, max(self.stop_at, self.now))
        return self.now >= self.stop_at


class Kept:
    """A sink; notes when each record came, on the given clock."""

    def __init__(self, clock: Clock, refuse_after: int | None = None) -> None:
        self.records: list[Outgoing] = []
        self.times: list[float] = []
        self._clock, self._refuse_after = clock, refuse_after

    def send(self, record: Outgoing) -> bool:
        if self._refuse_after is not None and len(self.records) >= self._refuse_after:
            return False
        self.records.append(record)
        self.times.append(self._clock.now - 1000.0)
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> Kept:
    return Kept(clock)


class Sink:
    """In the place of a Producer."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.topics: dict[str, int] = {}
        self.partition_counts: dict[str, int] = {}
        self.when: dict[int, Any] = {}

    def __call__(self, settings: object, *, stop: object) -> Sink:
        return self

    def ensure(self, settings: object, topics: dict[str, int]) -> list[str]:
        self.topics.update(topics)
        return list(topics)

    def send(self, record: Outgoing) -> bool:
        self.records.append(record)
        if (call := self.when.get(len(self.records))) is not None:
            call()
        return True

    def partitions(self, topic: str) -> int:
        return self.partition_counts.get(topic, self.topics[topic])

    def flush(self) -> None:
        pass

    @property
    def acknowledged(self) -> int:
        return len(self.records)

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    made = Sink()
    monkeypatch.setattr(feeding, "Producer", made)
    monkeypatch.setattr(feeding, "ensure_topics", made.ensure)
    return made
