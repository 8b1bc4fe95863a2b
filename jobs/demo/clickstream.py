"""The demonstration of online learning: a feed of impressions and late clicks, a model that learns, honest metrics.

One thread does everything, step by step; it tells what it does and shows a `Board` now and then. What was started is
stopped by process id and job id, however it ends, and every impression is accounted for.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.demo import feeding
from jobs.demo.findings import time_ms
from jobs.demo.pipelines import DemoPipeline
from jobs.demo.watched import Watched
from jobs.errors import StackError
from jobs.settings import PROJECT_ROOT, Settings
from jobs.stack import kafka_admin
from jobs.stack.kafka_read import Record, reader
from jobs.submit import stop as stop_pipeline
from jobs.topics import late_topic

IMPRESSIONS, CLICKS = "impressions", "clicks"
#: The series of metrics that is shown: those of the predictions that were served.
SERVED: Final = "served"
PREDICTIONS, OUTCOMES, METRICS = "clickstream-predictions", "clickstream-outcomes", "clickstream-metrics"
DECISIONS, MINUTES = "clickstream-decisions", "clickstream-minutes"
#: Impressions and labels that came when their topic had been silent and time had gone on without it.
LATE: Final = late_topic("clickstream", "predicted")

#: Labels come up to 12 seconds late and 2 of 100 never: those are closed by the timeout.
FEED: Final = ("clicks", "--rate", "5", "--delay", "uniform:0.2,12", "--lost", "0.02")
VALUES: Final = {"label_timeout": "15", "batch": "1"}
QUIET_CHECKPOINTS, SETTLE_TIMEOUT_S = 3, 90.0
#: Labels come when impressions have ended: their packs close when the impressions count as idle, 30 s after the last.
IDLE_S: Final = 35.0


class _Clickstream(DemoPipeline):
    """The pipeline, whose topics are not named after one input."""

    @property
    def topics(self) -> tuple[str, ...]:
        refused = [f"{topic}-{what}" for topic in (IMPRESSIONS, CLICKS) for what in ("rejects", "late")]
        return (
            IMPRESSIONS, CLICKS, self.of("truth"), PREDICTIONS, OUTCOMES, DECISIONS, METRICS, MINUTES, LATE, *refused
        )  # fmt: skip


CLICKSTREAM: Final = _Clickstream(
    "clickstream", PROJECT_ROOT / "sql" / "clickstream.sql", IMPRESSIONS, "campaign", "drift", FEED
)


@dataclass
class Board:
    """What is shown: records of each topic so far, the newest metrics of each campaign, and decisions by kind."""

    seen: Counter[str] = field(default_factory=Counter)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    decisions: Counter[str] = field(default_factory=Counter)
    state: str = "starting"

    def add(self, topic: str, values: Iterable[bytes | None]) -> None:
        """Records of a topic that became visible."""
        for value in values:
            self.seen[topic] += 1
            if topic not in (METRICS, DECISIONS) or value is None:
                continue
            row = json.loads(value)
            if topic == DECISIONS:
                self.decisions[row["decision"]] += 1
            elif row["series"] == SERVED:
                self.metrics[row["campaign"]] = row


@dataclass(frozen=True)
class ClickCounts:
    """What became of impressions and labels, each counted from its own topic.

    Attributes
    ----------
    read, rejected, late, unpacked
        Impressions; those refused or late; those behind the last pack.
    predicted
        Rows of the predictions.
    joined, closed
        Outcomes with a label that came, and without.
    pending
        Predicted ids without an outcome: looked up, not computed.
    astray
        Outcomes that no prediction, or two, belong to.
    labels, labels_unpacked
        Records of the labels; those refused, late or behind the last pack.
    """

    read: int
    rejected: int
    late: int
    unpacked: int
    predicted: int
    joined: int
    closed: int
    pending: int
    astray: int
    labels: int
    labels_unpacked: int

    @property
    def consistent(self) -> bool:
        """Whether every impression, prediction and label is somewhere, once."""
        return (
            self.read == self.predicted + self.rejected + self.late + self.unpacked
            and self.predicted == self.joined + self.closed + self.pending
            and self.labels == self.joined + self.labels_unpacked
            and self.astray == 0
        )


@dataclass(frozen=True)
class ClickSummary:
    """The end of the demonstration.

    Attributes
    ----------
    counts
        What became of everything.
    metrics
        The newest of each campaign, of what was served.
    decisions
        How often what was decided.
    page
        The report.
    savepoint
        Where the pipeline can be resumed from.
    seconds
        How long it took.
    stack_left_running
        Whether broker and cluster ran before.
    """

    counts: ClickCounts
    metrics: dict[str, dict[str, Any]]
    decisions: dict[str, int]
    page: str | None
    savepoint: str | None
    seconds: float
    stack_left_running: bool

    @property
    def exit_code(self) -> int:
        """0 where the counts add up and something was learned."""
        return 0 if self.counts.consistent and self.counts.joined else 1


def run(
    settings: Settings,
    *,
    seconds: float | None,
    replace: bool,
    end: threading.Event,
    tell: Callable[[str], None],
    show: Callable[[Board], None],
) -> ClickSummary:
    """The whole demonstration.

    Parameters
    ----------
    settings
        Of the local stack.
    seconds
        How long is fed; None: until `end` is set.
    replace
        Delete also topics with records that no demonstration wrote.
    end
        Set to ask for the end: what was fed until then is counted.
    tell
        Called with what is being done.
    show
        Called every two seconds with how things stand.

    Raises
    ------
    UsageError
        Another demonstration or the pipeline runs already, or a topic holds records of somebody else.
    CutbankError
        Something could not be started.
    """
    with feeding.alone(settings), contextlib.ExitStack() as last:
        return _Run(settings, end, tell, show, last, Board()).run(seconds, replace)


class _Run(Watched[Board]):
    topics = (IMPRESSIONS, CLICKS, PREDICTIONS, OUTCOMES, DECISIONS, METRICS)

    def run(self, seconds: float | None, replace: bool) -> ClickSummary:
        settings, tell = self._settings, self._tell
        was_running = self._up(CLICKSTREAM.name)
        feeding.stop_leftovers(settings, [CLICKSTREAM])
        feeding.begin_topics(settings, [CLICKSTREAM], replace=replace)
        kafka_admin.create_topics(settings, {CLICKS: 1})
        # noted before they are fed: a demonstration that could not submit has left them too
        feeding.note_topics(settings, [CLICKSTREAM], finished=False)
        tell("feeding impressions and, later, their labels")
        feed = feeding.start_feed(settings, CLICKSTREAM, seconds)
        self._last.callback(feeding.stop_feed, settings, feed)
        self._submit(CLICKSTREAM.file, VALUES)
        feeding.note_topics(settings, [CLICKSTREAM], finished=False)
        with contextlib.closing(self._consumer()) as consumer:
            self._watch(consumer, feed, PREDICTIONS)
            tell("the feed has ended; the last packs")
            feeding.stop_feed(settings, feed)
            self._settle(consumer)
        savepoint = stop_pipeline(settings, CLICKSTREAM.name)
        tell("counting the topics")
        counts, board = counts_of(settings), Board()
        for topic in (METRICS, DECISIONS):  # the savepoint has committed more than was shown
            with reader(settings, topic) as found:
                board.add(topic, [record.value for record in found.all()])
        page = self._report() if board.metrics else None
        seconds_taken = time.monotonic() - self._begun_s
        summary = ClickSummary(
            counts, board.metrics, dict(board.decisions), page, savepoint, seconds_taken, was_running
        )
        feeding.note_topics(settings, [CLICKSTREAM], finished=True)
        return summary

    def _report(self) -> str:
        """The page of `cutbank report clickstream`, while the broker is there."""
        from jobs.report.clickstream import write_report  # drawing takes long to load

        self._tell("drawing the report")
        return str(write_report(self._settings, self._settings.state_dir / "reports" / CLICKSTREAM.name)[0])

    def _settle(self, consumer: Any) -> None:
        """Until several checkpoints in a row have brought nothing new: then what was read has gone through."""
        self._end.clear()
        deadline, before, since = time.monotonic() + SETTLE_TIMEOUT_S, -1, 0
        idle_s = time.monotonic() + IDLE_S
        while time.monotonic() < deadline:
            self._poll(consumer)
            done = self._rest.checkpoints(self._jobs[CLICKSTREAM.name]).completed
            now = self._board.seen[PREDICTIONS] + self._board.seen[OUTCOMES]
            if now != before:
                before, since = now, done
                deadline = time.monotonic() + SETTLE_TIMEOUT_S
            if before > 0 and done - since >= QUIET_CHECKPOINTS and time.monotonic() > idle_s:
                return
        raise StackError(f"the pipeline had not come to rest {SETTLE_TIMEOUT_S:.0f} s after its last rows")


def counts_of(settings: Settings) -> ClickCounts:
    """Count the demonstration's topics."""

    def every(topic: str) -> list[Record]:
        with reader(settings, topic) as records:
            return list(records.all())

    def size(topic: str) -> int:
        return len(every(topic))

    behind = Counter("clicked" in _value(record) for record in every(LATE))
    return count(
        every(IMPRESSIONS), every(CLICKS), every(PREDICTIONS), every(OUTCOMES),
        rejected=size(f"{IMPRESSIONS}-rejects"), late=size(f"{IMPRESSIONS}-late") + behind[False],
        labels_refused=size(f"{CLICKS}-rejects") + size(f"{CLICKS}-late") + behind[True],
    )  # fmt: skip


def count(
    impressions: Iterable[Record],
    labels: Iterable[Record],
    predictions: Iterable[Record],
    outcomes: Iterable[Record],
    *,
    rejected: int = 0,
    late: int = 0,
    labels_refused: int = 0,
    batch_ms: int = 1_000,
) -> ClickCounts:
    """The counts from the records of the topics.

    Parameters
    ----------
    impressions, labels, predictions, outcomes
        Committed records.
    rejected, late, labels_refused
        Records of the topics of refused ones.
    batch_ms
        The pack interval: a pack comes out as a whole.
    """
    predicted = Counter()  # type: Counter[int]
    until_ms = 0
    for row in map(_value, predictions):
        predicted[row["impression_id"]] += 1
        until_ms = max(until_ms, time_ms(row["event_time"]))
    closed_ids: Counter[int] = Counter()
    joined = closed = 0
    for row in map(_value, outcomes):
        closed_ids[row["impression_id"]] += 1
        until_ms = max(until_ms, time_ms(row["event_time"]))
        came = row.get("label_lag_ms") is not None
        joined, closed = joined + came, closed + (not came)
    end_ms = (until_ms // batch_ms + 1) * batch_ms if predicted else 0
    read = [time_ms(row["event_time"]) for row in map(_value, impressions)]
    known = [time_ms(row["event_time"]) for row in map(_value, labels)]
    return ClickCounts(
        read=len(read),
        rejected=rejected,
        late=late,
        unpacked=sum(at >= end_ms for at in read),
        predicted=predicted.total(),
        joined=joined,
        closed=closed,
        pending=len(predicted.keys() - closed_ids.keys()),
        astray=sum(n != 1 or predicted[of] != 1 for of, n in closed_ids.items()),
        labels=len(known),
        labels_unpacked=labels_refused + sum(at >= end_ms for at in known),
    )


def _value(record: Record) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(record.value or b"{}")
    return value
