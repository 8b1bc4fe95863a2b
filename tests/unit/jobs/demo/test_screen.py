"""How the demonstration looks on small and large terminals, and in lines."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from jobs.demo.course import Course, Phase
from jobs.demo.screen import Lines, Screen
from jobs.demo.steps import State, Step
from jobs.demo.titles import DOWN, FIRST, UP
from jobs.settings import load_settings

T0 = 1_790_000_000


def course(tmp_path: Path, *, seconds: float | None = 90.0) -> Course:
    return Course(load_settings(environ={}, overrides={"state_dir": tmp_path}), seconds=seconds)


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(T0 + seconds)) + "000Z"


def feed(one: Course, anomalies: int) -> None:
    """Measurements as they come from the topics: some scores, and so many shouts found."""
    measured = one._measured["loudness"]
    times = [0.0] * 3 * anomalies
    scored = [{"device": "room", "event_time": iso(t), "anomaly_score": 1.0} for t in times]
    measured.add("loudness-scores", [json.dumps(row).encode() for row in scored[:1]], T0 * 1000)
    measured.add("loudness-scores", [json.dumps(row).encode() for row in scored], (T0 + 3) * 1000)
    alerts = [
        {"device": "room", "event_time": iso(3 * n), "volume": 80.0 + n, "anomaly_score": 2.0 + n}
        for n in range(anomalies)
    ]
    measured.add("loudness-alerts", [json.dumps(row).encode() for row in alerts], T0 * 1000)
    truth = [{"device": "room", "event_time": iso(3 * n), "kind": "shout"} for n in range(anomalies)]
    measured.add("loudness-truth", [json.dumps(row).encode() for row in truth], T0 * 1000)


def draw(one: Course, width: int, height: int) -> list[str]:
    """The lines of the screen."""
    out = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    screen = Screen(one, out)
    return ["".join(s.text for s in line).rstrip() for line in out.render_lines(screen._page(), pad=False)]


SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])


@SIZES
def test_starting(tmp_path: Path, width: int, height: int) -> None:
    one = course(tmp_path)
    with one.starting.step(UP) as tell:
        tell("starting broker, jobmanager, taskmanager")
        lines = draw(one, width, height)
    assert len(lines) == height
    assert lines[0].startswith("Cutbank demo   starting")
    assert one.settings.flink_url in lines[0]
    assert any("starting broker, jobmanager, taskmanager" in line for line in lines)
    assert any(FIRST in line for line in lines)
    assert lines[-1] == "Ctrl-C ends it"


@SIZES
@pytest.mark.parametrize("anomalies", [0, 3, 100])
def test_running(tmp_path: Path, width: int, height: int, anomalies: int) -> None:
    one = course(tmp_path)
    for title in ("broker and cluster", "topics", "feeds", "submit loudness", "submit host_metrics", FIRST):
        with one.starting.step(title):
            pass
    one.phase, one.fed_since_s = Phase.RUNNING, time.monotonic() - 12.0
    one.jobs = {"loudness": "RUNNING", "host_metrics": "RUNNING"}
    feed(one, anomalies)
    lines = draw(one, width, height)
    assert len(lines) == height
    assert not any("…" in line for line in lines)
    assert "fed for 0:12 of 1:30" in lines[0]
    table = next(line for line in lines if line.startswith("loudness"))
    assert "running" in table
    assert (f"{anomalies}/{anomalies} shouts" if anomalies else "no shout yet") in table
    assert lines[-1].startswith("a burst of processor and disk comes in 2")
    assert lines[-1].endswith("Ctrl-C ends it with a summary")
    if anomalies:
        newest = next(i for i, line in enumerate(lines) if line.startswith("time")) + 1
        # the newest first, whole, and as many as there is room for
        assert f"{1 + anomalies}.00" in lines[newest] and f"volume {79.0 + anomalies}" in lines[newest]
        shown = [line for line in lines[newest:] if line.endswith("shout")]
        assert len(shown) == min(anomalies, height - newest - 2), lines


@SIZES
def test_problems_are_on_the_screen(tmp_path: Path, width: int, height: int) -> None:
    one = course(tmp_path)
    for step in one.starting.all():
        with one.starting.step(step.title):
            pass
    one.phase = Phase.RUNNING
    one.problems.append("loudness is failed: " + 10 * "because of something long ")
    feed(one, 100)
    lines = draw(one, width, height)
    assert len(lines) == height
    assert lines[-2].startswith("loudness is failed: because")


def test_a_start_that_failed_shows_where_and_what_is_taken_down(tmp_path: Path) -> None:
    one = course(tmp_path)
    with pytest.raises(RuntimeError), one.starting.step(UP):
        raise RuntimeError
    one.phase = Phase.ENDING
    with one.ending.step(DOWN):
        lines = draw(one, 80, 24)
    assert any(line.startswith("✗") and UP in line for line in lines)
    assert any(DOWN in line for line in lines)
    assert not any("per s" in line for line in lines)


def test_lines(tmp_path: Path) -> None:
    out = io.StringIO()
    one = course(tmp_path)
    lines = Lines(Console(file=out, width=200), one.begun_s)
    lines.told(Step(UP, State.RUNNING, "starting broker", 1.0))
    lines.told(Step(UP, State.DONE, "ready", 1.0, 3.5))
    lines.told(Step(DOWN, State.FAILED, "", 1.0, 2.0))
    one.phase = Phase.RUNNING
    feed(one, 2)
    lines.draw(one)
    lines.draw(one)  # at once again: nothing new
    text = out.getvalue()
    assert "broker and cluster: starting broker" in text
    assert "broker and cluster: done in 2.5 s (ready)" in text
    assert "take everything down: failed after 1.0 s" in text
    assert text.count("room, score 3.00, volume 81.0, a known shout") == 1
    assert text.count("loudness starting:") == 1
