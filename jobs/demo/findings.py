"""Anomalies as people count them, and which of the known events are among them. Pure functions of records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jobs.demo.pipelines import DemoPipeline

#: Alerts of one source at most this far apart are one anomaly: a shout lasts several blocks.
SAME_ANOMALY_MS: Final = 1000
#: Truth of a shout is its beginning; it lasts a quarter of a second at most, and blocks begin every twentieth.
SHOUT_FOUND_WITHIN_MS: Final = 500
#: What a burst leaves behind: the processor's share is measured over half a second, the disk writes on.
BURST_FOUND_AFTER_MS: Final = 1000

RULES: Final = {
    "shout": "an alert of its device within 0.5 s of its beginning",
    "burst": "an alert of its host from its beginning to 1 s after its end",
}


def time_ms(text: object) -> int:
    """Milliseconds since 1970 of an ISO 8601 time with a zone.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(text, str):
        raise ValueError(f"expected a time as text, got {text!r}")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, got {text!r}")
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True)
class Alert:
    """One record of an alerts topic."""

    source: str
    time_ms: int
    score: float
    cause: str


def read_alert(pipeline: DemoPipeline, value: Mapping[str, Any]) -> Alert:
    """A record of a pipeline's alerts topic."""
    score = float(value["anomaly_score"])
    return Alert(str(value[pipeline.source]), time_ms(value["event_time"]), score, pipeline.cause(value))


@dataclass(frozen=True)
class Anomaly:
    """Alerts of one source that follow each other closely.

    Attributes
    ----------
    start_ms, end_ms
        Event times of the first and the last.
    score, cause
        Of the highest.
    alerts
        How many.
    """

    source: str
    start_ms: int
    end_ms: int
    score: float
    cause: str
    alerts: int


def anomalies(alerts: Iterable[Alert]) -> list[Anomaly]:
    """Alerts gathered into anomalies, in the order of their beginnings, whatever the order they came in."""
    found: list[Anomaly] = []
    last: dict[str, int] = {}
    for alert in sorted(alerts, key=lambda a: (a.time_ms, a.source)):
        at = last.get(alert.source)
        if at is not None and alert.time_ms - found[at].end_ms <= SAME_ANOMALY_MS:
            before = found[at]
            peak: Alert | Anomaly = alert if alert.score > before.score else before
            found[at] = Anomaly(
                before.source, before.start_ms, alert.time_ms, peak.score, peak.cause, before.alerts + 1
            )
        else:
            last[alert.source] = len(found)
            found.append(Anomaly(alert.source, alert.time_ms, alert.time_ms, alert.score, alert.cause, 1))
    return found


@dataclass(frozen=True)
class Known:
    """Something that is known to have happened, and the time within which an alert counts as finding it."""

    kind: str
    source: str
    start_ms: int
    found_until_ms: float

    def found_by(self, alert: Alert | Anomaly) -> bool:
        """Whether an alert, or one of an anomaly's, is about this."""
        first, last = (alert.time_ms, alert.time_ms) if isinstance(alert, Alert) else (alert.start_ms, alert.end_ms)
        return alert.source == self.source and last >= self.start_ms and first <= self.found_until_ms


def known_events(pipeline: DemoPipeline, truth: Iterable[Mapping[str, Any]]) -> list[Known]:
    """The events of a truth topic, in the order of their beginnings.

    A burst is two records, of its beginning and its end; one without an end yet lasts.
    """
    events: list[Known] = []
    started: dict[str, int] = {}
    for record in sorted(truth, key=lambda r: str(r["event_time"])):
        source, at, kind = str(record[pipeline.source]), time_ms(record["event_time"]), str(record["kind"])
        if kind == "shout":
            events.append(Known("shout", source, at, at + SHOUT_FOUND_WITHIN_MS))
        elif kind == "burst_start":
            started[source] = len(events)
            events.append(Known("burst", source, at, math.inf))
        elif kind == "burst_end" and source in started:
            begun = started.pop(source)
            events[begun] = Known("burst", source, events[begun].start_ms, at + BURST_FOUND_AFTER_MS)
    return events


@dataclass(frozen=True)
class Findings:
    """How many of the known events were found.

    Attributes
    ----------
    known
        Events that were found, or could have been: the time within which an alert would count is scored.
    found
        Of those, the ones an alert is about.
    pending
        Events not found whose time reaches behind the last scored pack.
    """

    known: int
    found: int
    pending: int


def findings(events: Sequence[Known], alerts: Sequence[Alert], scored_until_ms: int) -> Findings:
    """Which known events were found.

    Parameters
    ----------
    events
        As of `known_events`.
    alerts
        All of the pipeline.
    scored_until_ms
        End of the last scored pack.
    """
    found = [any(event.found_by(alert) for alert in alerts) for event in events]
    missed = sum(
        not was_found and event.found_until_ms < scored_until_ms for event, was_found in zip(events, found, strict=True)
    )
    return Findings(sum(found) + missed, sum(found), len(events) - sum(found) - missed)
