"""The course of the demonstration: everything is started, watched, ended and counted, in a thread of its own.

Whoever shows it reads `steps`, `phase`, `readings` and `jobs` meanwhile. What was started is stopped by process id and
job id, however it ends.
"""

from __future__ import annotations

import contextlib
import enum
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from jobs.demo import feeding
from jobs.demo.counting import count
from jobs.demo.findings import known_events, read_alert
from jobs.demo.live import Measured, Reading, Watcher
from jobs.demo.pipelines import AT_ONCE, BATCH_MS, KINESIS, PIPELINES, DemoPipeline
from jobs.demo.steps import Step, Steps, Tell, gathered
from jobs.demo.summary import PipelineSummary, Summary, pipeline_summary
from jobs.demo.titles import (
    COUNT,
    DOWN,
    FEEDS,
    FIRST,
    SETTLE,
    STOP,
    TOPICS,
    UP,
    ending_titles,
    starting_titles,
    submit_title,
)
from jobs.demo.topic_values import alerts, values
from jobs.errors import CutbankError, StackError, SubmitError, UsageError
from jobs.settings import Settings
from jobs.stack import Stack
from jobs.stack.processes import ProcessRecord, reap
from jobs.stack.rest import FlinkRest, Job, RestError
from jobs.submit import stop as stop_pipeline
from jobs.submit import submit

#: Nothing more comes when so many checkpoints have passed without a change.
QUIET_CHECKPOINTS = 3
SETTLE_TIMEOUT_S = 60.0
FIRST_SCORES_TIMEOUT_S = 180.0


class Phase(enum.Enum):
    """What is going on."""

    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"
    OVER = "over"


class Interrupted(Exception):
    """The end was asked for before there was anything to count, or a second time."""


class Course:
    """One demonstration.

    Parameters
    ----------
    settings
        Of the local stack.
    seconds
        How long is fed; None: until `end` is called.
    replace
        Delete also topics with records that no demonstration wrote.
    begun_s
        Monotonic moment from which the time to the first scores counts.
    told
        Called with each change of a step.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        seconds: float | None,
        replace: bool = False,
        begun_s: float | None = None,
        told: Callable[[Step], None] = lambda step: None,
    ) -> None:
        self.settings, self.seconds = settings, seconds
        self.begun_s = time.monotonic() if begun_s is None else begun_s
        self.phase = Phase.STARTING
        self.starting = Steps(starting_titles(), told)
        self.ending = Steps(ending_titles(), told)
        self.fed_since_s: float | None = None
        self.jobs: dict[str, str] = {}
        self.problems: list[str] = []
        self.summary: Summary | None = None
        self.error: BaseException | None = None
        self._replace = replace
        self._stack = Stack(settings)
        self._rest = FlinkRest(settings.flink_url)
        self._started_stack = False
        self._checked = False
        self._measured = {pipeline.name: Measured(pipeline) for pipeline in PIPELINES}
        self._watcher: Watcher | None = None
        self._feeds: dict[str, ProcessRecord] = {}
        self._end, self._hurry = threading.Event(), threading.Event()
        self._job_ids: dict[str, str] = {}
        self._joining = Steps((submit_title(KINESIS),), told)
        self._joiner = threading.Thread(target=self._join, name="cutbank-demo-joiner")

    # ---------------------------------------------------------------- seen and steered from outside

    def readings(self) -> dict[str, Reading]:
        """How each pipeline stands now."""
        return {name: measured.read() for name, measured in self._measured.items()}

    def end(self) -> None:
        """Ask for the end: the feeds stop, what was fed is counted. Asked again: at once, without a count."""
        if self._end.is_set():
            self._hurry.set()
        self._end.set()

    @property
    def asked_to_end(self) -> bool:
        """Whether the end was asked for."""
        return self._end.is_set()

    # ---------------------------------------------------------------- the course

    def run(self) -> None:
        """From nothing to the summary; what goes wrong is in `error` afterwards."""
        try:
            with feeding.alone(self.settings):
                try:
                    self._start()
                    self.phase = Phase.RUNNING
                    self._watch()
                    self.phase = Phase.ENDING
                    self.summary = self._finish()
                finally:
                    self.phase = Phase.ENDING
                    self._take_down()
        except BaseException as error:
            # a submission that Ctrl-C has ended too is no failure
            self.error = Interrupted() if self._end.is_set() and isinstance(error, SubmitError) else error
        finally:
            self.phase = Phase.OVER

    def _start(self) -> None:
        steps = self.starting
        with steps.step(UP) as tell:
            before = [part.name for part in self._stack.status().components if part.state == "running"]
            self._started_stack = not before
            self._stack.up(gathered(tell))
            self._refuse_running()
            self._checked = True
        self._go_on()
        with steps.step(TOPICS) as tell:
            for name in feeding.stop_leftovers(self.settings):
                tell(f"stopped {name}, which an earlier demo had left")
            deleted = feeding.begin_topics(self.settings, PIPELINES, replace=self._replace)
            tell(f"{len(deleted)} of an earlier demo deleted" if deleted else "new")
        self._go_on()
        with steps.step(FEEDS) as tell:
            for pipeline in AT_ONCE:
                self._feeds[pipeline.name] = feeding.start_feed(self.settings, pipeline, self.seconds)
            self.fed_since_s = time.monotonic()
            tell(", ".join(pipeline.topic for pipeline in AT_ONCE))
        # planning is most of a submission, and one plan keeps one core busy at most
        with ThreadPoolExecutor(len(AT_ONCE)) as pool:
            for submitted in [pool.submit(self._submit, pipeline, self.starting) for pipeline in AT_ONCE]:
                submitted.result()
        feeding.note_topics(self.settings, PIPELINES, finished=False)
        self._watcher = Watcher(self.settings, self._measured.values())
        self._watcher.start()
        with steps.step(FIRST) as tell:
            self._await_first_scores(tell)
        self._joiner.start()

    def _refuse_running(self) -> None:
        for pipeline in PIPELINES:
            if self._rest.live_jobs(pipeline.name):
                raise UsageError(
                    f"{pipeline.name} is already running; `cutbank stop {pipeline.name}` ends it with a savepoint"
                )

    def _submit(self, pipeline: DemoPipeline, steps: Steps) -> None:
        with steps.step(submit_title(pipeline)) as tell:
            submitted = submit(
                self.settings,
                pipeline.prepared(self.settings),
                {"batch": f"{BATCH_MS / 1000:g}"},
                fresh=True,
                progress=tell,
            )
            self._job_ids[pipeline.name] = submitted.job_id
            tell("submitted")

    def _join(self) -> None:
        """Submit what joins the others; it reads the same input from its beginning.

        Where the end is asked for meanwhile it is left out, as Ctrl-C may have ended its submission.
        """
        try:
            self._submit(KINESIS, self._joining)
            feeding.note_topics(self.settings, PIPELINES, finished=False)
        except CutbankError as error:
            if not self._end.is_set():
                self._problem(f"{KINESIS.name} was not submitted: {error}")

    def _await_first_scores(self, tell: Tell) -> None:
        deadline = time.monotonic() + FIRST_SCORES_TIMEOUT_S
        while True:
            self._go_on()
            self._look()
            missing = [one.name for one in AT_ONCE if self._measured[one.name].read().first_scored_s is None]
            if not missing:
                return
            for name in missing:
                if self.jobs.get(name) in ("FAILED", "FAILING", "CANCELED", "FINISHED"):
                    raise SubmitError(f"{name} is {self.jobs[name]}: {self._failure(name)}")
            if self._feeds_over():
                return  # a short run: what was fed is scored before it is counted
            if time.monotonic() > deadline:
                raise SubmitError(
                    f"{', '.join(missing)}: no score within {FIRST_SCORES_TIMEOUT_S:.0f} s; see {self._rest.url}"
                )
            fed = sum(self._measured[one.name].read().fed for one in AT_ONCE)
            states = ", ".join(f"{name} {self.jobs.get(name, 'starting').lower()}" for name in missing)
            tell(f"{fed:,} records wait; {states}")
            self._end.wait(0.3)

    def _watch(self) -> None:
        while not self._end.is_set() and not self._feeds_over():
            self._look()
            self._end.wait(1.0)

    def _look(self) -> None:
        """The states of the jobs, and what has gone wrong since."""
        with contextlib.suppress(RestError):
            known: dict[str, Job] = {job.id: job for job in self._rest.jobs()}
            for name, job_id in tuple(self._job_ids.items()):
                state = known[job_id].state if job_id in known else "GONE"
                if state in ("FAILED", "CANCELED", "GONE") and self.jobs.get(name) != state:
                    self._problem(f"{name} is {state.lower()}: {self._failure(name)}")
                self.jobs[name] = state
        if self._watcher is not None and self._watcher.error is not None:
            self._problem(f"the live view ended: {self._watcher.error}")
        for name, record in self._feeds.items():
            if not self._alive(record) and (why := feeding.complaint(record)) is not None:
                self._problem(f"the feed of {name} ended: {why}")

    def _failure(self, name: str) -> str:
        """The innermost cause Flink recorded, on one line."""
        with contextlib.suppress(RestError):
            for text in self._rest.exceptions(self._job_ids[name])[:1]:
                lines = [line.strip() for line in text.splitlines() if line.strip()]
                causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
                return (causes or lines or [""])[-1]
        return f"see {self._rest.url}"

    def _problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    def _feeds_over(self) -> bool:
        return not any(self._alive(record) for record in self._feeds.values())

    def _alive(self, record: ProcessRecord) -> bool:
        reap()
        return record.alive

    def _go_on(self) -> None:
        if self._end.is_set():
            raise Interrupted

    # ---------------------------------------------------------------- the end

    def _finish(self) -> Summary:
        """Count when nothing more comes; the pipelines are stopped with savepoints before."""
        self._look()
        self._stop_feeds()
        with self.ending.step(SETTLE) as tell:
            tell(f"{KINESIS.name} is being submitted" if self._joiner.is_alive() else "")
            self._joiner.join()
            self._settle(tell)
        running = [pipeline for pipeline in PIPELINES if pipeline.name in self._job_ids]
        with self.ending.step(STOP) as tell:
            with ThreadPoolExecutor(len(running)) as pool:
                saved = dict(pool.map(self._stop_job, running))
            tell("with savepoints" if all(saved.values()) else "")
        with self.ending.step(COUNT) as tell:
            done: list[PipelineSummary] = []
            for pipeline in running:
                self._not_in_a_hurry()
                tell(pipeline.name)
                done.append(self._summary_of(pipeline, saved[pipeline.name]))
            feeding.note_topics(self.settings, PIPELINES, finished=True)
            tell("")
        readings = [self._measured[one.name].read() for one in AT_ONCE]
        first = [one.first_scored_s for one in readings if one.first_scored_s is not None]
        return Summary(
            pipelines=tuple(done),
            first_scores_s=max(first) - self.begun_s if len(first) == len(AT_ONCE) else None,
            seconds=time.monotonic() - self.begun_s,
            dashboard=self.settings.flink_url,
            stack_left_running=not self._started_stack,
            problems=tuple(self.problems),
        )

    def _stop_feeds(self) -> None:
        for record in self._feeds.values():
            feeding.stop_feed(self.settings, record)
        self._feeds.clear()

    def _settle(self, tell: Tell) -> None:
        """Wait until several checkpoints in a row have brought nothing new, for as long as that takes.

        A checkpoint completes when all that was read before it has gone through the job, so what the feeds wrote
        is scored then, but for the packs that no later record has closed.
        """
        scored: dict[str, int] = {}
        since: dict[str, int] = {}
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while time.monotonic() < deadline:
            self._not_in_a_hurry()
            waiting = False
            for name, job_id in self._job_ids.items():
                if not self._rest.job(job_id).is_live:
                    continue
                completed, now = self._rest.checkpoints(job_id).completed, self._measured[name].read().scored
                if scored.get(name) != now:
                    scored[name], since[name] = now, completed
                    deadline = time.monotonic() + SETTLE_TIMEOUT_S
                waiting |= now == 0 or completed - since[name] < QUIET_CHECKPOINTS
            if not waiting:
                return
            tell(f"{sum(scored.values()):,} records are scored")
            self._hurry.wait(0.3)
        self._problem(f"the pipelines had not come to rest {SETTLE_TIMEOUT_S:.0f} s after their last scores")

    def _stop_job(self, pipeline: DemoPipeline) -> tuple[str, str | None]:
        """Stop a pipeline's job, with a savepoint where it can write one; its name and the savepoint."""
        job_id = self._job_ids.get(pipeline.name)
        if job_id is None or not self._rest.job(job_id).is_live:
            return pipeline.name, None
        try:
            if not self._hurry.is_set():
                return pipeline.name, stop_pipeline(self.settings, pipeline.name)
        except CutbankError as error:
            self._problem(f"{pipeline.name} did not stop with a savepoint: {error}")
        self._rest.cancel(job_id)
        self._rest.wait_for_end(job_id)
        return pipeline.name, None

    def _summary_of(self, pipeline: DemoPipeline, savepoint: str | None) -> PipelineSummary:
        return pipeline_summary(
            pipeline,
            count(self.settings, pipeline),
            [read_alert(pipeline, value) for value in alerts(self.settings, pipeline)],
            known_events(pipeline, values(self.settings, pipeline.of("truth"))),
            self._measured[pipeline.name].overall_latency(),
            savepoint,
        )

    def _not_in_a_hurry(self) -> None:
        if self._hurry.is_set():
            raise Interrupted

    def _take_down(self) -> None:
        """Stop what runs of ours; each part is tried, whatever became of the others."""
        with self.ending.step(DOWN) as tell, contextlib.ExitStack() as last:
            if self._started_stack:
                last.callback(self._down, tell)
            if self._checked:
                last.callback(self._cancel_jobs)
            last.callback(self._stop_feeds)
            if self._watcher is not None:
                last.callback(self._watcher.stop)
            if self._joiner.is_alive():
                last.callback(self._joiner.join)

    def _down(self, tell: Tell) -> None:
        stopped = self._stack.down(tell)
        tell(f"{', '.join(stopped)} stopped" if stopped else "")

    def _cancel_jobs(self) -> None:
        """Jobs of ours that still run: by name, for a submission that was interrupted has told no id."""
        with contextlib.suppress(StackError):
            for job in self._own_jobs():
                self._rest.cancel(job.id)
                if not self._started_stack:
                    self._rest.wait_for_end(job.id)

    def _own_jobs(self) -> Iterator[Job]:
        names = {pipeline.name for pipeline in PIPELINES}
        yield from (job for job in self._rest.live_jobs() if job.name in names)
