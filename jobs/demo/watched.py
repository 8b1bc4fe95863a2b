"""What demonstrations with a board share: the stack, jobs that are watched, and records as they become visible."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from kafka.errors import KafkaError

from jobs.demo import feeding
from jobs.errors import StackError, SubmitError, UsageError
from jobs.settings import Settings
from jobs.stack import Stack
from jobs.stack.kafka_read import follower
from jobs.stack.processes import ProcessRecord, reap
from jobs.stack.rest import FlinkRest
from jobs.submit import submit

#: How long a pipeline may take from the beginning of its feed to its first row.
FIRST_TIMEOUT_S = 240.0


class Board(Protocol):
    """What is shown of a demonstration."""

    #: Records of each topic so far.
    seen: Counter[str]
    #: Of the job.
    state: str

    def add(self, topic: str, values: Iterable[bytes | None]) -> None:
        """Records of a topic that became visible."""
        ...


B = TypeVar("B", bound=Board)


class Watched(Generic[B]):
    """A demonstration's run; what it starts is in `last`, to be stopped however it ends.

    Parameters
    ----------
    settings
        Of the local stack.
    end
        Set to ask for the end.
    tell, show
        Called with what is being done, and every `show_every_s` with how things stand.
    last
        What stops everything, in the end.
    board
        What is shown.
    """

    show_every_s: ClassVar[float] = 2.0
    #: The topics that are watched; where several have something new, earlier ones are shown first.
    topics: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        settings: Settings,
        end: threading.Event,
        tell: Callable[[str], None],
        show: Callable[[B], None],
        last: contextlib.ExitStack,
        board: B,
    ) -> None:
        self._settings, self._end, self._tell, self._show, self._last = settings, end, tell, show, last
        self._stack, self._rest = Stack(settings), FlinkRest(settings.flink_url)
        self._board, self._begun_s = board, time.monotonic()
        self._jobs: dict[str, str] = {}

    def _up(self, *pipelines: str) -> bool:
        """Start what does not run; whether it ran before.

        Raises
        ------
        UsageError
            One of the pipelines runs already.
        """
        was_running = any(part.state == "running" for part in self._stack.status().components)
        if not was_running:
            self._last.callback(self._stack.down, self._tell)
        self._stack.up(self._tell)
        for name in pipelines:
            if self._rest.live_jobs(name):
                raise UsageError(f"{name} is already running; `cutbank stop {name}` ends it with a savepoint")
        return was_running

    def _submit(self, file: Path, values: Mapping[str, str]) -> None:
        """Submit a pipeline, to be cancelled if nothing else ends it."""
        job_id = submit(self._settings, file, values, fresh=True, progress=self._tell).job_id
        self._jobs[file.stem] = job_id
        self._last.callback(self._cancel, job_id)

    def _consumer(self) -> Any:
        """Reads the watched topics from their beginning."""
        return follower(self._settings, self.topics)

    def _poll(self, consumer: Any) -> None:
        """Take what is new, for as long as a board stands; then show it."""
        until = time.monotonic() + self.show_every_s
        while time.monotonic() < until and not self._end.is_set():
            with contextlib.suppress(KafkaError):
                polled = consumer.poll(200)
                for partition in sorted(polled, key=lambda each: self.topics.index(each.topic)):
                    self._board.add(partition.topic, [message.value for message in polled[partition]])
        self._show(self._board)

    def _check_jobs(self) -> None:
        """The jobs run.

        Raises
        ------
        SubmitError
            One does not.
        """
        for name, job_id in self._jobs.items():
            self._board.state = self._rest.job(job_id).state.lower()
            if self._board.state in ("failed", "canceled", "finished"):
                raise SubmitError(f"{name} is {self._board.state}; see {self._rest.url}")

    def _watch(self, consumer: Any, feed: ProcessRecord, first: str) -> None:
        """Until the feed has ended, or the end was asked for.

        Raises
        ------
        SubmitError
            Nothing comes into the topic `first` in time, a job ends, or the feed ends with a complaint.
        """
        deadline = time.monotonic() + FIRST_TIMEOUT_S
        while not self._end.is_set():
            self._poll(consumer)
            self._check_jobs()
            if not self._board.seen[first] and time.monotonic() > deadline:
                raise SubmitError(f"nothing in {first} within {FIRST_TIMEOUT_S:.0f} s; see {self._rest.url}")
            reap()
            if not feed.alive:
                why = feeding.complaint(feed)
                if why is not None:
                    raise SubmitError(f"{feed.name} ended: {why}")
                return

    def _cancel(self, job_id: str) -> None:
        with contextlib.suppress(StackError):
            if self._rest.job(job_id).is_live:
                self._rest.cancel(job_id)
                self._rest.wait_for_end(job_id)
