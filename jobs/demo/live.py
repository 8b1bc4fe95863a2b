"""What is measured while the demonstration runs: how much is scored, how late it is visible, what was found.

`Measured` is fed with records and the moments at which they became visible; `Watcher` is the thread that reads them
from Kafka as any reader of the results would, committed records only.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from kafka.errors import KafkaError

from jobs.demo.attribution import Attribution
from jobs.demo.findings import Alert, Anomaly, Known, anomalies, known_events, read_alert, time_ms
from jobs.demo.pipelines import DemoPipeline
from jobs.settings import Settings
from jobs.stack.kafka_read import follower

#: Scores come with a checkpoint each, so a rate needs several of them.
RATE_WINDOW_S: Final = 5.0
LATENCY_WINDOW_S: Final = 20.0
#: What a latency over the whole run is kept of at most: more than an hour of a pipeline.
LATENCIES_KEPT: Final = 200_000
#: Alerts that are still shown; the summary counts all of them, from the topic.
ALERTS_KEPT: Final = 5_000


@dataclass(frozen=True)
class Latency:
    """Milliseconds from a record's event time until its score was visible to a reader of committed records."""

    p50_ms: int
    p99_ms: int
    records: int


@dataclass(frozen=True)
class Reading:
    """What is shown of a pipeline at one moment; ``latency`` is None before there is one."""

    fed: int
    scored: int
    rate: float
    latency: Latency | None
    alerts: int
    anomalies: tuple[Anomaly, ...]
    known: tuple[Known, ...]
    first_scored_s: float | None


class Measured:
    """The measurements of one pipeline. Calls may come from two threads.

    Parameters
    ----------
    pipeline
        Whose.
    clock
        Monotonic seconds.
    """

    def __init__(self, pipeline: DemoPipeline, clock: Callable[[], float] = time.monotonic) -> None:
        self.pipeline = pipeline
        self._clock = clock
        self._lock = threading.Lock()
        self._fed = self._scored = 0
        self._alerts_seen = 0
        self._first_s: float | None = None
        self._first_wall_ms = 0
        self._arrivals: deque[tuple[float, int]] = deque()
        self._recent: deque[tuple[float, int]] = deque()
        self._latencies: deque[int] = deque(maxlen=LATENCIES_KEPT)
        self._alerts: deque[Alert] = deque(maxlen=ALERTS_KEPT)
        self._truth: list[dict[str, Any]] = []
        self._attribution = None if pipeline.threshold is None else Attribution()

    def add(self, topic: str, values: Iterable[bytes | None], wall_ms: int) -> None:
        """Records of one of the pipeline's topics that became visible at `wall_ms`, milliseconds since 1970."""
        if topic == self.pipeline.topic:
            values = list(values)
            with self._lock:
                self._fed += len(values)
                if self._attribution is not None:
                    self._add_scored(_objects(self._attribution.read(values)), wall_ms)
            return
        if self._attribution is not None and topic == self.pipeline.of("scores"):
            with self._lock:
                self._add_scored(_objects(self._attribution.written(values)), wall_ms)
            return
        records = _objects(values)
        if not records:
            return
        with self._lock:
            if topic == self.pipeline.of("scores"):
                self._add_scores([time_ms(record["event_time"]) for record in records], wall_ms)
            elif topic == self.pipeline.of("alerts"):
                self._add_alerts(records)
            elif topic == self.pipeline.of("truth"):
                self._truth.extend(records)

    def _add_scored(self, records: list[dict[str, Any]], wall_ms: int) -> None:
        """Scores that are alerts, too, where they are above the threshold."""
        threshold = self.pipeline.threshold
        assert threshold is not None
        if records:
            self._add_scores([time_ms(record["event_time"]) for record in records], wall_ms)
            self._add_alerts([record for record in records if record["anomaly_score"] > threshold])

    def _add_alerts(self, records: list[dict[str, Any]]) -> None:
        self._alerts_seen += len(records)
        self._alerts.extend(read_alert(self.pipeline, record) for record in records)

    def _add_scores(self, times_ms: list[int], wall_ms: int) -> None:
        now = self._clock()
        if self._first_s is None:
            self._first_s, self._first_wall_ms = now, wall_ms
        self._scored += len(times_ms)
        self._arrivals.append((now, len(times_ms)))
        # what had waited for the job to start says nothing about the pipeline
        latencies = [wall_ms - at for at in times_ms if at >= self._first_wall_ms]
        self._latencies.extend(latencies)
        self._recent.extend((now, latency) for latency in latencies)

    def read(self) -> Reading:
        """How things stand now."""
        with self._lock:
            now = self._clock()
            while self._arrivals and self._arrivals[0][0] < now - RATE_WINDOW_S:
                self._arrivals.popleft()
            while self._recent and self._recent[0][0] < now - LATENCY_WINDOW_S:
                self._recent.popleft()
            rate = sum(n for _, n in self._arrivals) / RATE_WINDOW_S
            return Reading(
                self._fed,
                self._scored,
                rate,
                latency([value for _, value in self._recent]),
                self._alerts_seen,
                tuple(anomalies(self._alerts)),
                tuple(known_events(self.pipeline, self._truth)),
                self._first_s,
            )

    def overall_latency(self) -> Latency | None:
        """Over the whole run, without what had waited for the job to start."""
        with self._lock:
            return latency(list(self._latencies))


def _objects(values: Iterable[bytes | None]) -> list[dict[str, Any]]:
    return [json.loads(value) for value in values if value is not None]


def latency(values_ms: list[int]) -> Latency | None:
    """The percentiles of latencies; None of none."""
    if not values_ms:
        return None
    p50, p99 = np.percentile(values_ms, (50, 99))
    return Latency(round(float(p50)), round(float(p99)), len(values_ms))


class Watcher(threading.Thread):
    """Reads input, scores, alerts and truth of pipelines as they become visible, until it is told to stop.

    Parameters
    ----------
    settings
        Which broker.
    measured
        One for each pipeline whose topics exist.
    """

    def __init__(self, settings: Settings, measured: Iterable[Measured]) -> None:
        super().__init__(name="cutbank-demo-watcher", daemon=True)
        self._settings = settings
        self._by_topic: defaultdict[str, list[Measured]] = defaultdict(list)
        for one in measured:
            for topic in one.pipeline.watched:
                self._by_topic[topic].append(one)
        self._stopped = threading.Event()
        self.error: Exception | None = None

    def stop(self) -> None:
        """Ask for the end and wait for it."""
        self._stopped.set()
        if self.is_alive():
            self.join(timeout=10)

    def run(self) -> None:
        try:
            self._read()
        except Exception as error:  # shown by whoever watches: the pipelines go on without us
            self.error = error

    def _read(self) -> None:
        consumer = follower(self._settings, self._by_topic)
        try:
            while not self._stopped.is_set():
                self._take(consumer.poll(200))
        finally:
            with contextlib.suppress(KafkaError):  # the broker may be gone already
                consumer.close()

    def _take(self, polled: Any) -> None:
        now_ms = time.time_ns() // 1_000_000
        for partition, messages in polled.items():
            for one in self._by_topic[partition.topic]:
                one.add(partition.topic, [m.value for m in messages], now_ms)
