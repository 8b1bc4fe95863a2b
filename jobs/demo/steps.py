"""The steps of the demonstration and how far they are: written by the thread that does them, read by who shows them."""

from __future__ import annotations

import contextlib
import enum
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

Tell = Callable[[str], None]


class State(enum.Enum):
    """Where a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """One step: what, where it is, its newest message and how long it has taken."""

    title: str
    state: State = State.WAITING
    detail: str = ""
    started_s: float = 0.0
    ended_s: float | None = None

    def seconds(self, now_s: float) -> float:
        """How long it took, or has taken so far."""
        if self.state is State.WAITING:
            return 0.0
        return (now_s if self.ended_s is None else self.ended_s) - self.started_s


class Steps:
    """Steps in the order they are shown; several may run at once.

    Parameters
    ----------
    titles
        All of them, so that a reader sees from the beginning what is to come.
    told
        Called with each change, for those who write lines.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        titles: tuple[str, ...],
        told: Callable[[Step], None] = lambda step: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steps = {title: Step(title) for title in titles}
        self._told, self.clock = told, clock
        self._lock = threading.Lock()

    def all(self) -> list[Step]:
        """As they are now."""
        with self._lock:
            return list(self._steps.values())

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Tell]:
        """A step as long as the block lasts; gives a function that tells what is being done within it."""
        self._change(title, state=State.RUNNING, started_s=self.clock())
        try:
            yield lambda message: self._change(title, detail=message)
        except BaseException:
            self._change(title, state=State.FAILED, ended_s=self.clock())
            raise
        self._change(title, state=State.DONE, ended_s=self.clock())

    def _change(self, title: str, **changes: object) -> None:
        with self._lock:
            before = self._steps[title]
            step = self._steps[title] = replace(before, **changes)  # type: ignore[arg-type]
        if step != before:
            self._told(step)


def gathered(tell: Tell) -> Tell:
    """A `tell` for processes that start one after the other and are waited for together."""
    starting: list[str] = []

    def told(message: str) -> None:
        before, word, name = message.partition("starting ")
        if word and not before:
            starting.append(name)
            message = f"starting {', '.join(starting)}"
        tell(message)

    return told
