"""What every ``cutbank feed`` command does alike: check options, reach the broker, tell progress and the summary."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from feeds.pacing import Pacer, Stop, stop_on_signals
from feeds.play import Played, play
from feeds.producer import Producer, ensure_topics
from feeds.records import Outgoing
from jobs.cli.output import print_json
from jobs.errors import UsageError
from jobs.settings import load_settings

Seconds = Annotated[float | None, typer.Option(help="End after so many seconds of the feed's own time.")]
Records = Annotated[int | None, typer.Option(help="End after so many records (those about the truth not counted).")]


class Console:
    """Progress and remarks on standard error; the summary on standard output."""

    def __init__(self, topic: str, *, as_json: bool) -> None:
        self._topic, self._as_json = topic, as_json
        self._live = not as_json and sys.stderr.isatty()
        self._drawn_s = -math.inf
        self._width = 0

    def warn(self, message: str) -> None:
        """A remark, on a line of its own."""
        self._clear()
        typer.echo(f"feed {self._topic}: {message}", err=True)

    def progress(self, played: Played) -> None:
        """Redraw the one line of progress, five times a second at most, and only on a terminal."""
        if not self._live or played.seconds - self._drawn_s < 0.2:
            return
        self._drawn_s = played.seconds
        rate = played.records / played.seconds if played.seconds > 0 else 0.0
        counts = f"{played.records:,} records, {rate:,.1f}/s, {played.seconds:,.0f} s"
        line = f"{self._topic}: {counts} (Ctrl-C ends it)"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def summary(self, played: Played, more: Mapping[str, object]) -> None:
        """What was sent, as one line or one JSON object."""
        self._clear()
        if self._as_json:
            counts = {
                "topic": self._topic,
                "records": played.records,
                "truth_records": played.truths,
                "value_bytes": played.value_bytes,
                "seconds": round(played.seconds, 3),
                "interrupted": played.interrupted,
            }
            print_json(counts | dict(more))
            return
        truth = f" and {played.truths} about the truth" if played.truths else ""
        typer.echo(f"{self._topic}: {played.records:,} records{truth} in {played.seconds:.1f} s")

    def _clear(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0


@contextmanager
def feeding(topics: Mapping[str, int]) -> Iterator[tuple[Producer, Stop]]:
    """A producer to the broker of the settings, with its topics there, and the signals which end it."""
    settings = load_settings()
    with stop_on_signals() as stop:
        ensure_topics(settings, topics)
        with Producer(settings, stop=stop) as producer:
            yield producer, stop


def checked(option: str, value: float | None, *, above: float | None = None, least: float | None = None) -> None:
    """UsageError where a number is not finite or out of range."""
    if value is None:
        return
    if not math.isfinite(value) or (above is not None and value <= above) or (least is not None and value < least):
        expected = f"above {above:g}" if above is not None else f"{least:g} or more"
        raise UsageError(f"{option}: expected a number {expected}, got {value:g}")


def named(option: str, value: str) -> str:
    """The name, which must not be blank; UsageError where it is."""
    if not value.strip():
        raise UsageError(f"{option}: the name is empty; it becomes the records' key")
    return value


def played_by(
    outgoing: Iterable[Outgoing], producer: Producer, stop: Stop, console: Console, *, limit: int | None
) -> Played:
    """Send the records when they are due; what was sent."""
    pacer = Pacer(stop.wait)
    return play(outgoing, producer, pacer=pacer, stop=stop, limit=limit, on_sent=console.progress)
