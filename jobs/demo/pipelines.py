"""The two pipelines of the demonstration, with their feeds and what is known about their input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.settings import PROJECT_ROOT

#: The pipelines are submitted with this pack interval, so what is pending can be told from the scores.
BATCH_MS: Final = 1000
#: A forest has to have heard 256 records before it scores: 26 s at ten a second, and some.
BURST_EARLIEST_S: Final = 32.0
BURST_AFTER_S: Final = 40.0
BURST_SECONDS: Final = 4.0
#: From the burst's end to the feed's, so that its last packs are scored too.
BURST_REST_S: Final = 5.0


@dataclass(frozen=True)
class DemoPipeline:
    """One pipeline of the demonstration.

    Attributes
    ----------
    name, file
        The pipeline.
    topic
        Its input; results, truth, rejects and late rows lie in topics named after it.
    source
        The column that names who is watched.
    known
        What the truth topic knows of: a shout, a burst.
    feed
        Arguments of `cutbank feed`.
    also
        What else it writes: ends of the names of topics.
    """

    name: str
    file: Path
    topic: str
    source: str
    known: str
    feed: tuple[str, ...]
    also: tuple[str, ...] = ()

    def of(self, what: str) -> str:
        """Topic of ``scores``, ``alerts``, ``minutes``, ``rejects``, ``late`` or ``truth``."""
        return f"{self.topic}-{what}"

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic it reads or writes."""
        return (
            self.topic,
            *(self.of(what) for what in ("truth", "scores", "alerts", "minutes", "rejects", "late", *self.also)),
        )

    def cause(self, alert: Mapping[str, Any]) -> str:
        """Why a record of the alerts topic is there, in a few words."""
        if "cause" in alert:
            return str(alert["cause"])
        return f"volume {float(alert['volume']):.1f}"


LOUDNESS: Final = DemoPipeline(
    "loudness",
    PROJECT_ROOT / "sql" / "loudness.sql",
    "loudness",
    "device",
    "shout",
    ("loudness", "--source", "room"),
)
HOST_METRICS: Final = DemoPipeline(
    "host_metrics",
    PROJECT_ROOT / "sql" / "host_metrics.sql",
    "host-metrics",
    "host",
    "burst",
    ("host-metrics",),
    also=("verdicts",),
)
PIPELINES: Final = (LOUDNESS, HOST_METRICS)


def burst_after_s(seconds: float | None) -> float | None:
    """When the disturbance comes, in seconds after the feed's start; None where the time is too short for one.

    Parameters
    ----------
    seconds
        How long is fed; None: until Ctrl-C.
    """
    if seconds is None:
        return BURST_AFTER_S
    latest = seconds - BURST_SECONDS - BURST_REST_S
    return min(BURST_AFTER_S, latest) if latest >= BURST_EARLIEST_S else None


def feed_arguments(pipeline: DemoPipeline, seconds: float | None) -> list[str]:
    """The command line of a pipeline's feed, behind ``cutbank feed``."""
    arguments = [*pipeline.feed]
    if seconds is not None:
        arguments += ["--seconds", f"{seconds:g}"]
    after = burst_after_s(seconds)
    if pipeline is HOST_METRICS and after is not None:
        arguments += ["--disturb", f"{after:g},{BURST_SECONDS:g}"]
    return arguments
