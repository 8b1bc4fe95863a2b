"""How the demonstration looks: a live screen on a terminal, lines now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from jobs.demo.course import Course, Phase
from jobs.demo.findings import Anomaly, Known
from jobs.demo.live import Reading
from jobs.demo.pipelines import PIPELINES, burst_after_s
from jobs.demo.steps import State, Step
from jobs.demo.summary import seconds_text
from jobs.demo.titles import FIRST, SETTLE

REDRAW_S: Final = 0.25
PROBLEMS_SHOWN: Final = 2
LINES_EVERY_S: Final = 10.0
_JOB_COLOUR: Final = {"RUNNING": "green", "FAILED": "red", "CANCELED": "red", "GONE": "red", "FINISHED": "red"}


class Screen:
    """The live screen of a course, redrawn four times a second on the terminal's other page.

    Parameters
    ----------
    course
        What is shown.
    out
        A terminal.
    """

    def __init__(self, course: Course, out: Console) -> None:
        self._course, self._out = course, out
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=out, screen=True, auto_refresh=False, transient=True)

    def __enter__(self) -> Screen:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(None, None, None)

    def draw(self) -> None:
        """Show how things stand now."""
        self._live.update(self._page(), refresh=True)

    def _page(self) -> RenderableType:
        course = self._course
        parts: list[RenderableType] = [self._headline(), Text()]
        started = all(step.state is State.DONE for step in course.starting.all())
        if course.phase is Phase.STARTING:
            parts += [self._steps(course.starting.all(), course.starting.clock()), Text(), _what_comes()]
        elif not started:  # it ended before there was anything to see
            steps = [step for step in course.ending.all() if step.state is not State.WAITING]
            parts += [self._steps([*course.starting.all(), *steps], course.starting.clock())]
        else:
            readings = course.readings()
            parts += [_pipelines(readings, course.jobs), Text()]
            if course.phase is Phase.RUNNING:
                parts += [_anomalies(readings, self._room())]
            else:
                parts += [self._steps(course.ending.all(), course.ending.clock())]
        page = Table.grid()
        page.add_row(Group(*parts))
        body = self._out.render_lines(page, self._out.options.update(height=None), pad=False)
        footer = self._footer()
        # the last line of the screen is the footer's, whatever there is above it
        free = max(0, self._out.height - len(footer) - len(body))
        return Group(page, *(Text() for _ in range(free)), *footer)

    def _room(self) -> int:
        """Lines for anomalies: what headline, both tables' headers, three empty lines and the footer leave."""
        return max(1, self._out.height - len(PIPELINES) - 7 - len(self._course.problems[-PROBLEMS_SHOWN:]))

    def _headline(self) -> Text:
        course = self._course
        line = Text("Cutbank demo", style="bold", no_wrap=True, overflow="ellipsis")
        words = {
            Phase.STARTING: "starting, " + _clock(time.monotonic() - course.begun_s),
            Phase.RUNNING: "",
            Phase.ENDING: "ending",
            Phase.OVER: "over",
        }[course.phase]
        if course.phase is Phase.RUNNING and course.fed_since_s is not None:
            words = "fed for " + _clock(time.monotonic() - course.fed_since_s)
            if course.seconds is not None:
                words += " of " + _clock(course.seconds)
        line.append("   " + words, style="not bold")
        line.append("   dashboard ", style="not bold dim")
        url = course.settings.flink_url
        line.append(url, style=f"not bold cyan link {url}")
        return line

    def _steps(self, steps: Sequence[Step], now_s: float) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        for step in steps:
            marks: dict[State, RenderableType] = {
                State.WAITING: Text("·", style="dim"),
                State.RUNNING: self._spinner,
                State.DONE: Text("✓", style="green"),
                State.FAILED: Text("✗", style="red"),
            }
            took = "" if step.state is State.WAITING else f"{step.seconds(now_s):.0f} s"
            title = Text(step.title, style="dim" if step.state is State.WAITING else "")
            table.add_row(marks[step.state], title, took, Text(step.detail, style="dim"))
        return table

    def _footer(self) -> list[Text]:
        course = self._course
        lines = [
            Text(problem, style="red", no_wrap=True, overflow="ellipsis")
            for problem in course.problems[-PROBLEMS_SHOWN:]
        ]
        if course.phase is Phase.RUNNING:
            hint = burst_hint(course) + "Ctrl-C ends it with a summary"
        elif course.phase is Phase.STARTING:
            hint = "ending as soon as this step is done" if course.asked_to_end else "Ctrl-C ends it"
        elif any(step.state is not State.DONE for step in course.starting.all()):
            hint = "what was started is being stopped"
        elif course.asked_to_end:
            hint = "Ctrl-C once more leaves the count out"
        else:
            hint = "Ctrl-C twice leaves the count out"
        return [*lines, Text(hint, style="dim", no_wrap=True, overflow="ellipsis")]


def _what_comes() -> Text:
    return Text(
        "Pipelines of Flink SQL look for what is unusual: sql/loudness.sql in a synthetic\n"
        "room where somebody shouts now and then, sql/host_metrics.sql in the counters of\n"
        "this machine, which is disturbed once on purpose. As soon as both score,\n"
        "sql/kinesis/loudness.sql, an application of Kinesis SQL as it stands, joins them.",
        style="dim",
    )


def _pipelines(readings: dict[str, Reading], jobs: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, justify in (
        ("pipeline", "left"),
        ("job", "left"),
        ("per s", "right"),
        ("scored", "right"),
        ("p50", "right"),
        ("p99", "right"),
        ("anomalies", "right"),
        ("known found", "left"),
    ):
        table.add_column(column, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for pipeline in PIPELINES:
        reading = readings[pipeline.name]
        state = jobs.get(pipeline.name, "starting")
        late = reading.latency
        table.add_row(
            pipeline.name,
            Text(state.lower(), style=_JOB_COLOUR.get(state, "yellow")),
            f"{reading.rate:.1f}",
            f"{reading.scored:,}",
            seconds_text(late.p50_ms) if late else "-",
            seconds_text(late.p99_ms) if late else "-",
            f"{len(reading.anomalies):,}",
            known_text(reading, pipeline.known),
        )
    return table


def known_text(reading: Reading, kind: str) -> str:
    """How many of the known events an anomaly is about so far: ``4/5 shouts``."""
    if not reading.known:
        return f"no {kind} yet"
    found = sum(any(event.found_by(anomaly) for anomaly in reading.anomalies) for event in reading.known)
    return f"{found}/{len(reading.known)} {kind}" + ("s" if len(reading.known) != 1 else "")


def _anomalies(readings: dict[str, Reading], rows: int) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("time", no_wrap=True)
    table.add_column("source", no_wrap=True, overflow="ellipsis", max_width=20)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("cause", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("alerts", justify="right", no_wrap=True)
    table.add_column("known as", no_wrap=True)
    latest = newest(readings)
    if not latest:
        return Text("no anomaly yet: the forests get to know what is usual (256 records each)", style="dim")
    for anomaly, known in latest[:rows]:
        table.add_row(
            clock_time(anomaly.start_ms),
            anomaly.source,
            f"{anomaly.score:.2f}",
            anomaly.cause,
            str(anomaly.alerts),
            Text("" if known is None else known.kind, style="green"),
        )
    return table


def newest(readings: dict[str, Reading]) -> list[tuple[Anomaly, Known | None]]:
    """All pipelines' anomalies, the newest first, each with the known event it is about."""
    found = [
        (anomaly, next((event for event in reading.known if event.found_by(anomaly)), None))
        for reading in readings.values()
        for anomaly in reading.anomalies
    ]
    return sorted(found, key=lambda pair: pair[0].start_ms, reverse=True)


def burst_hint(course: Course) -> str:
    """When the disturbance comes, as long as that lies ahead."""
    after_s = burst_after_s(course.seconds)
    if after_s is None or course.fed_since_s is None:
        return ""
    left = after_s - (time.monotonic() - course.fed_since_s)
    return f"a burst of processor and disk comes in {left:.0f} s; " if left > 0 else ""


def clock_time(milliseconds: int) -> str:
    """An event time as the clock on the wall shows it here."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%H:%M:%S")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"


class Lines:
    """The same for those who read no screen: a line for each change of a step, and now and then how it goes.

    Parameters
    ----------
    out
        Where the lines go.
    begun_s
        Monotonic moment from which their times count.
    """

    def __init__(self, out: Console, begun_s: float) -> None:
        self._out, self._begun_s = out, begun_s
        self._next_s = 0.0
        self._told: set[tuple[str, int]] = set()

    def told(self, step: Step) -> None:
        """A step has changed."""
        if step.title in (FIRST, SETTLE) and step.state is State.RUNNING:
            if time.monotonic() < self._next_s:  # its message changes with every look
                return
            self._next_s = time.monotonic() + LINES_EVERY_S
        if step.state is State.DONE:
            self._next_s = 0.0
            self._line(f"{step.title}: done in {step.seconds(0.0):.1f} s" + _aside(step.detail))
        elif step.state is State.FAILED:
            self._line(f"{step.title}: failed after {step.seconds(0.0):.1f} s" + _aside(step.detail))
        elif step.detail:
            self._line(f"{step.title}: {step.detail}")

    def draw(self, course: Course) -> None:
        """Say how things stand, where it is time to."""
        now = time.monotonic()
        if course.phase is not Phase.RUNNING or now < self._next_s:
            return
        self._next_s = now + LINES_EVERY_S
        readings = course.readings()
        for anomaly, known in reversed(newest(readings)):
            if (anomaly.source, anomaly.start_ms) not in self._told:
                self._told.add((anomaly.source, anomaly.start_ms))
                what = "" if known is None else f", a known {known.kind}"
                self._line(
                    f"anomaly at {clock_time(anomaly.start_ms)}: {anomaly.source}, score {anomaly.score:.2f}, "
                    f"{anomaly.cause}{what}"
                )
        for name, reading in readings.items():
            late = reading.latency
            times = "" if late is None else f", p50 {seconds_text(late.p50_ms)}, p99 {seconds_text(late.p99_ms)}"
            self._line(
                f"{name} {course.jobs.get(name, 'starting').lower()}: {reading.rate:.1f} records/s, "
                f"{reading.scored:,} scored{times}, {len(reading.anomalies)} anomalies"
            )

    def _line(self, text: str) -> None:
        self._out.print(f"{time.monotonic() - self._begun_s:6.1f} s  {text}", markup=False, soft_wrap=True)


def _aside(detail: str) -> str:
    return f" ({detail})" if detail else ""
