"""`cutbank demo` as a user runs it: it counts what is there, finds what is known, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import psutil

from jobs.settings import PROJECT_ROOT, Settings
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import answers, wait_until

PIPELINES = {"loudness": "loudness", "host_metrics": "host-metrics"}
#: It joins the others when they score, and reads the topic of loudness from its beginning.
APPLICATION = "loudness_kda"
PORTS = ("kafka_port", "controller_port", "flink_port", "jobmanager_port")


def environment(settings: Settings) -> dict[str, str]:
    """This one's environment, with the ports and the folder of these settings."""
    own = {name: str(getattr(settings, name)) for name in (*PORTS, "state_dir", "checkpoint_interval_ms")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CUTBANK_")}
    return kept | {f"CUTBANK_{name.upper()}": value for name, value in own.items()}


def demo(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jobs.cli", "demo", *arguments]


def run_demo(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A demo on the stack of these settings, to its end."""
    return subprocess.run(
        demo(*arguments),
        env=environment(settings),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def processes_of(state_dir: Path) -> list[str]:
    """Processes that were started for a state folder: they all have it in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CUTBANK_STATE_DIR") == str(state_dir) and process.pid != os.getpid():
                found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        except psutil.Error:
            continue
    return found


def check(summary: Mapping[str, Any], *pipelines: str) -> None:
    """The arithmetic of a summary, done here once more."""
    assert summary["problems"] == []
    assert summary["consistent"] is True
    assert set(summary["pipelines"]) >= set(pipelines)
    for one in summary["pipelines"].values():
        assert one["read"] == one["scored"] + one["rejected"] + one["late"] + one["pending"]
        assert one["read"] > 0
        assert one["consistent"] is True


def check_application(written: Sequence[Mapping[str, Any]], read: Sequence[Mapping[str, Any]]) -> None:
    """The application's rows: the volumes of each second, by falling score; quiet ones low, shouts high."""
    seconds = [
        list(rows) for _, rows in groupby(sorted(read, key=lambda r: r["event_time"]), lambda r: r["event_time"][:19])
    ]
    place = 0
    for second in seconds:
        rows = written[place : place + len(second)]
        place += len(second)
        if len(rows) < len(second):
            break
        assert sorted(row["volume"] for row in rows) == sorted(int(row["volume"]) for row in second)
        scores = [row["ANOMALY_SCORE"] for row in rows]
        assert scores == sorted(scores, reverse=True)
    assert sum(row["ANOMALY_SCORE"] == 0.0 for row in written) == 10, "the first ten are not scored"
    assert 0.6 <= statistics.median(row["ANOMALY_SCORE"] for row in written) <= 1.2
    loud = [row["ANOMALY_SCORE"] for row in written if row["volume"] >= 60]
    assert loud and min(loud) > 1.8


def test_a_demo_on_a_running_stack_counts_what_is_there_and_leaves_the_stack_up(
    stack: Stack, settings: Settings, read_committed: Callable[..., list[Any]]
) -> None:
    seconds = 48
    for _ in range(2):  # beside other tests the burst may drown in what else this machine does: then once more
        # the topics of these names may have been used by other tests
        done = run_demo(settings, "--seconds", str(seconds), "--replace", "--json")
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        if summary["pipelines"]["host_metrics"]["known"]["found"]:
            break
    check(summary, *PIPELINES, APPLICATION)
    assert summary["stack_left_running"] is True
    for name, topic in PIPELINES.items():
        one = summary["pipelines"][name]
        assert one["read"] == len(read_committed(topic))
        assert one["scored"] == len(read_committed(f"{topic}-scores"))
        assert one["alerts"] == len(read_committed(f"{topic}-alerts"))
        assert one["rejected"] == len(read_committed(f"{topic}-rejects")) == 0
        assert one["late"] == len(read_committed(f"{topic}-late")) == 0
        # a row waits for the second after the watermark's one: what is pending is of the last two or three
        assert one["pending"] <= 0.1 * one["read"]
    loudness, host = summary["pipelines"]["loudness"], summary["pipelines"]["host_metrics"]
    assert loudness["read"] == 20 * seconds
    assert loudness["known"]["found"] == loudness["known"]["scored"] >= 1
    truth = [json.loads(record.value)["kind"] for record in read_committed("host-metrics-truth")]
    assert sorted(truth) == ["burst_end", "burst_start"]
    assert (host["known"]["scored"], host["known"]["found"], host["known"]["pending"]) == (1, 1, 0)
    application = summary["pipelines"][APPLICATION]
    written = [json.loads(record.value) for record in read_committed("loudness-kda")]
    assert (application["read"], application["scored"]) == (20 * seconds, len(written))
    assert application["pending"] <= 0.1 * application["read"]
    assert application["known"]["found"] == application["known"]["scored"] >= 1
    check_application(written, [json.loads(record.value) for record in read_committed("loudness")])
    assert stack.status().ready
    assert not {*PIPELINES, APPLICATION} & {job.name for job in stack.rest.live_jobs()}
    assert not [line for line in processes_of(settings.state_dir) if " feed " in line or "burn.py" in line]


def test_ctrl_c_ends_a_demo_with_its_summary_and_nothing_is_left_running(
    make_settings: Callable[..., Settings],
) -> None:
    own = make_settings()
    running = subprocess.Popen(
        demo("--json"),
        env=environment(own),
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    try:
        told = []
        for line in running.stderr:
            told.append(line)
            if "first scores: done" in line:
                running.send_signal(signal.SIGINT)
                break
        output, rest = running.communicate(timeout=300)
        assert running.returncode == 0, "".join(told) + rest
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
        Stack(own).down()
    summary = json.loads(output)
    check(summary, *PIPELINES)
    assert summary["stack_left_running"] is False
    assert summary["first_scores_s"] > 0
    assert wait_until(lambda: not processes_of(own.state_dir), 10), processes_of(own.state_dir)
    assert not any(answers(getattr(own, port)) for port in PORTS)
    assert not list((own.state_dir / "run").glob("*.json"))


def test_topics_that_no_demo_wrote_are_kept(
    stack: Stack, settings: Settings, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    kafka_admin.create_topics(settings, {"loudness": 1})
    produce("loudness", [b'{"device": "mine"}'], partition=0)
    before = len(read_committed("loudness"))
    done = run_demo(settings, "--seconds", "20")
    assert done.returncode == 2
    assert "that no demo wrote" in done.stderr and "--replace" in done.stderr
    assert len(read_committed("loudness")) == before
    assert stack.status().ready
