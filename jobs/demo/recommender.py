"""The demonstration of the recommender: readers ask for lists, two rankings make them, and what is clicked is learned.

The lists that are shown are those the job made, so better ones get more clicks. Live, each ranking's click-through rate
and hit rate; at the end the A/B report, and every request accounted for. What was started is stopped by process id and
job id, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jobs.demo import feeding
from jobs.demo.findings import time_ms
from jobs.demo.pipelines import DemoPipeline
from jobs.demo.watched import Watched
from jobs.errors import UsageError
from jobs.report.ab import ANSWERS, CLICKS, LISTS, Report, exposures_of, report_of, variants_of
from jobs.report.ab_page import page_of
from jobs.settings import PROJECT_ROOT, Settings
from jobs.stack import kafka_admin
from jobs.stack.kafka_read import reader
from jobs.submit import stop as stop_pipeline
from jobs.topics import late_topic

REQUESTS, ARTICLES, FOLLOWS = "media-requests", "media-articles", "media-follows"
ALLOCATION = "media-allocation"
CONTROL, TREATMENT = "popular-window:1h", "blend"
BATCH_MS: Final = 50
#: Requests, and clicks, that came when their topic had been silent and time had gone on without it.
LATE: Final = late_topic("recommender", "answered")
#: By day, so that there is something to see at any hour; lists wait for the job as long as a reader would.
FEED: Final = (
    "media", "--start", "2026-03-02T10:00:00Z", "--rate", "12", "--wanted", "10", "--users", "600", "--articles",
    "150", "--answers", ANSWERS, "--patience", "1.5",
)  # fmt: skip
VALUES: Final = {"control": CONTROL, "treatment": TREATMENT, "batch": f"{BATCH_MS / 1000:g}"}
QUIET_S, SETTLE_TIMEOUT_S = 6.0, 90.0


class _Recommender(DemoPipeline):
    """The pipeline, whose topics are not named after one input."""

    @property
    def topics(self) -> tuple[str, ...]:
        refused = [f"{topic}-{what}" for topic in (REQUESTS, CLICKS, ALLOCATION) for what in ("rejects", "late")]
        own = (ARTICLES, FOLLOWS, ALLOCATION, ANSWERS, LATE, self.of("truth"))
        return (REQUESTS, CLICKS, LISTS, *own, *refused)


RECOMMENDER: Final = _Recommender(
    "recommender", PROJECT_ROOT / "sql" / "recommender.sql", REQUESTS, "user_id", "drift", FEED
)


@dataclass
class Board:
    """What is shown: for each ranking lists, items and clicks so far."""

    seen: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    clicks: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    state: str = "starting"
    _made_by: dict[str, str] = field(default_factory=dict)
    _shown: dict[str, int] = field(default_factory=dict)
    _clicked: Counter[str] = field(default_factory=Counter)
    _counted: set[str] = field(default_factory=set)
    _hit: set[str] = field(default_factory=set)

    def add(self, topic: str, values: Iterable[bytes | None]) -> None:
        """Records of a topic that became visible."""
        for value in values:
            self.seen[topic] += 1
            row = json.loads(value or b"{}")
            request = row.get("request_id", "")
            if topic == ANSWERS:
                self._made_by[request] = row["ranking"]
            elif topic == LISTS and row.get("made_by") != "site":
                self._shown[request] = len(row["items"])
            elif topic == CLICKS:
                self._clicked[request] += 1
            self._count(request)

    def _count(self, request: str) -> None:
        """Topics are read side by side: a click may be here before its list, an answer after the site's own list."""
        name, items = self._made_by.get(request), self._shown.get(request)
        if name is None or items is None:
            return
        if request not in self._counted:
            self._counted.add(request)
            self.lists[name] += 1
            self.items[name] += items
        if clicks := self._clicked.pop(request, 0):
            self.clicks[name] += clicks
            self.hits[name] += request not in self._hit
            self._hit.add(request)


@dataclass(frozen=True)
class ListCounts:
    """What became of requests, each counted from its own topic.

    Attributes
    ----------
    read, rejected, late, pending
        Requests; those refused or late; those behind the last pack.
    answered, again
        Different requests with an answer, and answers that came again.
    shown, own
        Lists shown of an answer, and the site's own.
    astray
        Answers without a request, and shown lists without an answer.
    """

    read: int
    rejected: int
    late: int
    pending: int
    answered: int
    again: int
    shown: int
    own: int
    astray: int

    @property
    def consistent(self) -> bool:
        """Whether every request and list is somewhere, once."""
        return self.read == self.answered + self.rejected + self.late + self.pending and self.astray == 0


@dataclass(frozen=True)
class Summary:
    """The end of the demonstration; without a report where too few lists were shown."""

    counts: ListCounts
    board: Board
    report: Report | None
    page: Path | None
    savepoint: str | None
    seconds: float
    stack_left_running: bool

    @property
    def exit_code(self) -> int:
        """0 where the counts add up and lists were shown."""
        return 0 if self.counts.consistent and self.counts.shown else 1


def run(
    settings: Settings,
    *,
    seconds: float | None,
    replace: bool,
    end: threading.Event,
    tell: Callable[[str], None],
    show: Callable[[Board], None],
) -> Summary:
    """The whole demonstration; parameters and errors are those of `jobs.demo.clickstream.run`."""
    with feeding.alone(settings), contextlib.ExitStack() as last:
        return _Run(settings, end, tell, show, last, Board()).run(seconds, replace)


class _Run(Watched[Board]):
    topics = (ANSWERS, LISTS, CLICKS, REQUESTS)  # lists and clicks are told apart by the answers

    def run(self, seconds: float | None, replace: bool) -> Summary:
        settings, tell = self._settings, self._tell
        was_running = self._up(RECOMMENDER.name)
        feeding.stop_leftovers(settings, [RECOMMENDER])
        feeding.begin_topics(settings, [RECOMMENDER], replace=replace)
        kafka_admin.create_topics(settings, dict.fromkeys((CLICKS, LISTS, ANSWERS), 1))
        self._submit(RECOMMENDER.file, VALUES)
        tell("readers ask for lists")
        feed = feeding.start_feed(settings, RECOMMENDER, seconds)
        self._last.callback(feeding.stop_feed, settings, feed)
        feeding.note_topics(settings, [RECOMMENDER], finished=False)
        with contextlib.closing(self._consumer()) as consumer:
            self._watch(consumer, feed, ANSWERS)
            tell("the feed has ended; the last answers")
            feeding.stop_feed(settings, feed)
            self._settle(consumer)
        savepoint = stop_pipeline(settings, RECOMMENDER.name)
        tell("counting the topics")
        rows = {topic: rows_of(settings, topic) for topic in (REQUESTS, ANSWERS, LISTS, CLICKS)}
        refused = {what: len(rows_of(settings, f"{REQUESTS}-{what}")) for what in ("rejects", "late")}
        behind = sum("request_id" in row for row in rows_of(settings, LATE))
        counts = count(rows, rejected=refused["rejects"], late=refused["late"] + behind)
        report, page = self._reported(rows)
        seconds_taken = time.monotonic() - self._begun_s
        feeding.note_topics(settings, [RECOMMENDER], finished=True)
        return Summary(counts, self._board, report, page, savepoint, seconds_taken, was_running)

    def _reported(self, rows: Mapping[str, list[dict[str, Any]]]) -> tuple[Report | None, Path | None]:
        exposures = exposures_of(rows[ANSWERS], rows[LISTS], rows[CLICKS])
        if any(len(exposures.by_user.get(name, {})) < 2 for name in (CONTROL, TREATMENT)) or not variants_of(exposures):
            return None, None
        report = report_of(exposures, CONTROL, TREATMENT)
        return report, page_of(report).write(self._settings.state_dir / "reports" / "ab")[0]

    def _settle(self, consumer: Any) -> None:
        """Until no answer has come for some seconds: those of the last pack stay away for want of a later event."""
        self._end.clear()
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        before, since = -1, time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < QUIET_S:
            self._poll(consumer)
            if (now := self._board.seen[ANSWERS]) != before:
                before, since = now, time.monotonic()


def rows_of(settings: Settings, topic: str) -> list[dict[str, Any]]:
    """All committed records of a topic; none where there is no such topic."""
    with contextlib.suppress(UsageError), reader(settings, topic) as records:
        return [json.loads(record.value) for record in records.all() if record.value]
    return []


def count(rows: Mapping[str, list[dict[str, Any]]], *, rejected: int = 0, late: int = 0) -> ListCounts:
    """The counts from the records of the topics.

    Parameters
    ----------
    rows
        By topic: requests, answers and lists.
    rejected, late
        Requests in the topics of refused ones.
    """
    asked = {row["request_id"]: time_ms(row["event_time"]) for row in rows[REQUESTS]}
    answered = Counter(row["request_id"] for row in rows[ANSWERS])
    until_ms = max((time_ms(row["event_time"]) for row in rows[ANSWERS]), default=-1)
    end_ms = (until_ms // BATCH_MS + 1) * BATCH_MS
    shown = [row["request_id"] for row in rows[LISTS] if row["made_by"] == "answer"]
    return ListCounts(
        read=len(asked),
        rejected=rejected,
        late=late,
        pending=sum(at >= end_ms for at in asked.values()),
        answered=len(answered),
        again=answered.total() - len(answered),
        shown=len(shown),
        own=len(rows[LISTS]) - len(shown),
        astray=len(answered.keys() - asked.keys()) + sum(request not in answered for request in shown),
    )
