"""Processes are ended by id and start time, and only those that were started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jobs.errors import StackError
from jobs.stack.processes import (
    ProcessRecord,
    answers,
    forget_record,
    kill,
    port_holder,
    read_record,
    session_members,
    spawn,
    stop,
    wait_until,
    write_record,
)

SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('set', flush=True); time.sleep(600)"
)
# starts a child of its own, says its id, and leaves it behind
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(child.pid, flush=True)
time.sleep(600)
"""


def start(folder: Path, code: str, name: str = "broker", executable: str = sys.executable) -> ProcessRecord:
    return spawn(
        name,
        [executable, "-c", code],
        environ=os.environ,
        folder=folder / "run",
        output=folder / f"{name}.out",
        log=folder / f"{name}.log",
        ports={"kafka_port": 1234},
        identity=f"{name}-1",
    )


def first_line(path: Path) -> str:
    assert wait_until(lambda: path.is_file() and path.read_text().endswith("\n"), 20)
    return path.read_text().strip()


def test_a_started_process_is_recorded_and_stopped(tmp_path: Path) -> None:
    record = start(tmp_path, SLEEP)
    assert record.alive and read_record(tmp_path / "run", "broker") == record
    assert os.getsid(record.pid) == record.pid, "a Ctrl-C in our terminal would reach it"

    assert stop(record) == "stopped"
    assert not psutil.pid_exists(record.pid)
    assert stop(record) == "gone"


def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    record = start(tmp_path, STUBBORN)
    first_line(tmp_path / "broker.out")

    begun = time.monotonic()
    assert stop(record, grace_s=0.3) == "killed"
    assert time.monotonic() - begun < 10
    assert not psutil.pid_exists(record.pid)


def test_what_it_left_behind_is_stopped_too(tmp_path: Path) -> None:
    record = start(tmp_path, PARENT)
    child = int(first_line(tmp_path / "broker.out"))

    kill(record)
    assert not record.alive and psutil.pid_exists(child)
    assert [process.pid for process in session_members(record)] == [child]

    assert stop(record) == "gone"
    assert wait_until(lambda: not psutil.pid_exists(child), 5)


def test_a_strangers_process_with_the_recorded_id_is_left_alone(tmp_path: Path) -> None:
    """The id was given out again: same number, another start time."""
    stranger = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
    try:
        begun = psutil.Process(stranger.pid).create_time()
        for started in (begun - 3600, begun + 3600):
            stale = ProcessRecord("broker", stranger.pid, started, identity="broker-1")
            assert not stale.alive and session_members(stale) == []
            assert stop(stale, grace_s=0.1) == "gone"
            kill(stale)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_records_survive_nonsense(tmp_path: Path) -> None:
    assert read_record(tmp_path, "broker") is None
    record = ProcessRecord("broker", 1, 2.0, {"kafka_port": 3}, "log", "name")
    write_record(tmp_path, record)
    assert read_record(tmp_path, "broker") == record
    for text in ("", "{", "[]", '{"pid": 1}', '{"name": "broker", "pid": 1, "started": 2, "colour": 1}'):
        (tmp_path / "broker.json").write_text(text)
        assert read_record(tmp_path, "broker") is None, text
        assert not (tmp_path / "broker.json").exists()
    forget_record(tmp_path, "broker")


def test_a_command_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((OSError, StackError)):
        start(tmp_path, SLEEP, executable="/nonexistent/java")
    assert read_record(tmp_path / "run", "broker") is None


def test_a_dead_child_is_not_taken_for_alive(tmp_path: Path) -> None:
    """Until its exit code is collected a dead child still has its id."""
    child = subprocess.Popen([sys.executable, "-c", SLEEP])
    record = ProcessRecord("broker", child.pid, psutil.Process(child.pid).create_time())
    assert record.alive
    child.send_signal(signal.SIGKILL)
    assert wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, 10)
    assert not record.alive
    child.wait()


@pytest.mark.parametrize("address", ["127.0.0.1", ""])
def test_the_holder_of_a_port_is_named(address: str) -> None:
    with socket.socket() as server:
        server.bind((address, 0))
        server.listen()
        port = server.getsockname()[1]
        holder = port_holder(port)
        assert holder is not None and holder.startswith(f"process {os.getpid()} (")
        assert answers(port)
    assert port_holder(port) is None
    assert not answers(port)


def test_waiting_asks_at_least_once_and_ends_at_the_deadline() -> None:
    assert wait_until(lambda: True, 0.0)
    asked: list[int] = []

    def never() -> bool:
        asked.append(1)
        return False

    assert not wait_until(never, 0.05, every_s=0.01)
    assert len(asked) > 1


def test_records_differ_by_start_time() -> None:
    record = ProcessRecord("broker", os.getpid(), psutil.Process().create_time())
    assert record.alive and not replace(record, started=record.started + 60).alive
