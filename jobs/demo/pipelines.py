"""The pipelines of the demonstration, with their feeds and what is known about their input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.kinesis.application import compile_text
from jobs.kinesis.outside import Kafka
from jobs.kinesis.planning import saved
from jobs.kinesis.source_tables import Source
from jobs.kinesis.sources import read_sources
from jobs.settings import PROJECT_ROOT, Settings
from jobs.sql.source import read_source

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
        Arguments of `cutbank feed`; none where another pipeline's feed writes its input.
    also
        What else it writes: ends of the names of topics.
    threshold
        Above which a score is an alert, where there is no topic of alerts.
    """

    name: str
    file: Path
    topic: str
    source: str
    known: str
    feed: tuple[str, ...]
    also: tuple[str, ...] = ()
    threshold: float | None = None

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

    @property
    def made(self) -> tuple[str, ...]:
        """Topics that are there, with one partition, before it is submitted.

        With more, those that nobody writes to would hold back the event time until they count as idle.
        """
        return (self.topic, self.of("truth"))

    @property
    def watched(self) -> tuple[str, ...]:
        """Topics that the live view reads."""
        return (self.topic, *map(self.of, ("scores", "alerts", "truth")))

    def prepared(self, settings: Settings) -> Path:
        """The file that is submitted."""
        return self.file

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


class Application(DemoPipeline):
    """An application of Kinesis SQL, compiled as it stands; another pipeline's feed writes its input."""

    def of(self, what: str) -> str:
        """Of the truth it is that of its input; its rejects are the error stream; its scores its only other topic."""
        ends = {"truth": f"{self.topic}-truth", "scores": self._own, "rejects": f"{self._own}-errors"}
        return ends.get(what, f"{self._own}-{what}")

    @property
    def _own(self) -> str:
        return self.name.replace("_", "-")

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic it reads or writes."""
        return (self.topic, *map(self.of, ("truth", "scores", "rejects", "late")))

    @property
    def made(self) -> tuple[str, ...]:
        """Its output too: the live view waits for it."""
        return (*super().made, self.of("scores"))

    @property
    def watched(self) -> tuple[str, ...]:
        """There is no topic of alerts."""
        return (self.topic, self.of("scores"), self.of("truth"))

    def prepared(self, settings: Settings) -> Path:
        """The pipeline that it becomes."""
        sources = read_sources(self.file.parent / "sources.toml")
        place = _Apart(self.name, sources.folder)
        return saved(settings, compile_text(read_source(self.file), sources, self.name, place))


class _Apart(Kafka):
    """Topics of Kafka; late rows of an input that another pipeline reads, too, go to a topic of this one's own."""

    def reading(self, source: Source) -> tuple[Sequence[str], str, Mapping[str, str]]:
        columns, arrived, options = super().reading(source)
        return columns, arrived, {**options, "cutbank.late.topic": f"{self.application.replace('_', '-')}-late"}


KINESIS: Final = Application(
    "loudness_kda",
    PROJECT_ROOT / "sql" / "kinesis" / "loudness.sql",
    "loudness",
    "device",
    "shout",
    (),
    # samples of ten blocks: whoever begins to speak scores up to 2.5, the least shout 3
    threshold=2.5,
)
#: These are submitted at once, the rest when their scores have come.
AT_ONCE: Final = (LOUDNESS, HOST_METRICS)
PIPELINES: Final = (*AT_ONCE, KINESIS)


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
