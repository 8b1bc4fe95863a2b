"""``cutbank demo``: everything at once, from nothing to a summary that adds up."""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any, NoReturn

import psutil
import typer

from jobs.cli.output import AsJson, console, print_json
from jobs.demo.course import Course, Interrupted
from jobs.demo.screen import REDRAW_S, Lines, Screen
from jobs.demo.summary import as_object, show
from jobs.demo.view import View
from jobs.errors import UsageError
from jobs.settings import Settings, load_settings

#: Shorter than this there is nothing to see: a forest scores from its 257th record on.
SHORTEST_S = 15.0
INTERRUPTED = 130


class Which(StrEnum):
    """What is shown."""

    ANOMALIES = "anomalies"
    CLICKSTREAM = "clickstream"
    RECOMMENDER = "recommender"
    MARKET = "market"


def demo(
    which: Annotated[Which, typer.Argument(help="What to show.")] = Which.ANOMALIES,
    seconds: Annotated[float | None, typer.Option(help="Feed for so many seconds; by default until Ctrl-C.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Delete also topics whose records no demo wrote.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything, show scores and anomalies live, and stop everything; or learning from clicks; or markets.

    Broker and cluster start (those that run are left as they are), a synthetic room and this machine's own counters
    are fed, two pipelines score them, an application of Kinesis SQL joins them, and what is unusual is shown as it is
    found. At the end, or at Ctrl-C, every record is accounted for, counted from the topics: read = scored + rejected +
    late + pending. Exit code 1 if that does not add up.

    `clickstream` feeds impressions whose labels come late. Models predict each at once and learn when its label comes,
    and the best one serves; metrics are shown live, and drawn at the end. Here predictions = joined with their label +
    without one in time + pending.

    `recommender` shows readers of a made-up site the lists of two rankings that learn their clicks: click-through and
    hit rate live, an A/B report at the end. Here requests = answered + rejected + late + pending.

    `market` plays three recorded minutes of three venues through fake exchanges and real collectors, in 60 seconds or
    in `--seconds`, and two hours of one pair at two venues; CUTBANK_DATA names the folder of the recordings. It ends by
    itself. Here trades and quotes = in bars + rejected + late + behind the last bar.

    Example: cutbank demo --seconds 90
    """
    begun_s = time.monotonic() - max(0.0, time.time() - psutil.Process().create_time())
    if seconds is not None and not (math.isfinite(seconds) and seconds >= SHORTEST_S):
        raise UsageError(f"--seconds: expected {SHORTEST_S:g} or more, got {seconds:g}")
    settings = load_settings()
    out = console()
    if which is not Which.ANOMALIES:
        _with_board(which, settings, seconds, replace=replace, as_json=as_json)
    lines = Lines(console(err=True), begun_s)
    on_screen = sys.stdout.isatty() and not as_json
    course = Course(
        settings,
        seconds=seconds,
        replace=replace,
        begun_s=begun_s,
        told=(lambda step: None) if on_screen else lines.told,
    )
    worker = threading.Thread(target=course.run, name="cutbank-demo")
    with _signals(course.end):
        worker.start()
        try:
            if on_screen:
                with Screen(course, out) as screen:
                    _follow(worker, screen.draw)
            else:
                _follow(worker, lambda: lines.draw(course))
        finally:
            if worker.is_alive():  # drawing failed: what was started is stopped all the same
                course.end()
                course.end()
            worker.join()
    _report(course, as_json=as_json)


def _with_board(which: Which, settings: Settings, seconds: float | None, *, replace: bool, as_json: bool) -> NoReturn:
    """Run a demonstration that has a board, and report."""
    # the report's pictures take long to load: each is loaded for its own demonstration only
    demonstration = import_module(f"jobs.demo.{which}")
    view = import_module(f"jobs.demo.{which}_view")
    end = threading.Event()
    live = sys.stdout.isatty() and not as_json
    shown: View[Any] = View(console(), console(err=True), live=live, line=view.line, draw=view.drawn)
    with _signals(end.set), shown:
        summary = demonstration.run(
            settings, seconds=seconds, replace=replace, end=end, tell=shown.tell, show=shown.show
        )
    if as_json:
        print_json(view.as_object(summary))
    else:
        view.report(summary, console())
    raise typer.Exit(summary.exit_code)


def _follow(worker: threading.Thread, draw: Callable[[], None]) -> None:
    while worker.is_alive():
        draw()
        worker.join(REDRAW_S)


def _report(course: Course, *, as_json: bool) -> None:
    summary = course.summary
    if summary is None:
        if isinstance(course.error, Interrupted):
            typer.echo("demo: ended without a count; everything it started is stopped", err=True)
            raise typer.Exit(INTERRUPTED)
        raise course.error if course.error is not None else RuntimeError("the demo ended without a word")
    if as_json:
        print_json(as_object(summary))
    else:
        show(summary, console())
    if course.error is not None:
        raise course.error
    raise typer.Exit(summary.exit_code)


@contextmanager
def _signals(end: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM ask for the end, as often as they come."""

    def ask(number: int, frame: Any) -> None:
        end()

    earlier = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
