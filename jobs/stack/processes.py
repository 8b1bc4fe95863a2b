"""Processes of the local stack: started in sessions of their own, recorded with their start time, ended by
id.

A process id alone may name somebody else's process after a restart of the machine or when ids wrap around; an
id together with the start time does not. Nothing here ever looks for a process by its name.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from jobs.errors import StackError

# in the environment of every process of a session: which start it belongs to
MARK = "CUTBANK_PROCESS"


@dataclass(frozen=True)
class ProcessRecord:
    """One process that `up` started, as kept in ``<state_dir>/run/<name>.json``.

    Attributes
    ----------
    name
        ``broker``, ``jobmanager`` or ``taskmanager``.
    pid, started
        Process id (also of its session) and start time in seconds since 1970, as the system reports it.
    ports
        What it was told to listen on, by setting name.
    log
        Its log file.
    identity
        A name new at each start: a TaskManager registers with it, and every process of the session carries it in
        its environment.
    """

    name: str
    pid: int
    started: float
    ports: dict[str, int] = field(default_factory=dict)
    log: str = ""
    identity: str = ""

    def process(self) -> psutil.Process | None:
        """The running process this record means, or None when it is gone (or its id belongs to another one
        now)."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > 0.5 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process

    @property
    def alive(self) -> bool:
        return self.process() is not None


def write_record(folder: Path, record: ProcessRecord) -> None:
    """Keep a record; the file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.name}.json"
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read_record(folder: Path, name: str) -> ProcessRecord | None:
    """The record of that name; None when there is none or it cannot be read (an unreadable one is
    removed)."""
    path = folder / f"{name}.json"
    try:
        return ProcessRecord(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        path.unlink(missing_ok=True)
        return None


def forget_record(folder: Path, name: str) -> None:
    (folder / f"{name}.json").unlink(missing_ok=True)


def spawn(
    name: str,
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    folder: Path,
    output: Path,
    log: Path,
    ports: Mapping[str, int],
    identity: str,
) -> ProcessRecord:
    """Start a process that outlives this one and record it.

    It becomes the leader of a session of its own, so a Ctrl-C in the terminal does not reach it, and whatever
    it starts itself can be found by that session later.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("ab") as sink:
        child = subprocess.Popen(  # outlives us on purpose; `reap` collects it if it ends before we do
            command,
            env={**environ, MARK: identity},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            # Python workers start here: from a checkout, its packages would hide those shipped with a job
            cwd=output.parent,
        )
    _children.append(child)
    try:
        started = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        raise StackError(f"{name} ended at once (exit code {child.wait()}); see {output}") from None
    record = ProcessRecord(name, child.pid, started, dict(ports), str(log), identity)
    write_record(folder, record)
    return record


_children: list[subprocess.Popen[bytes]] = []


def reap() -> None:
    """Collect the exit codes of children that ended, so that none stays behind as a zombie."""
    _children[:] = [child for child in _children if child.poll() is None]


def stop(record: ProcessRecord, *, grace_s: float = 20.0) -> str:
    """End a recorded process and everything left of its session.

    SIGTERM first, then SIGKILL to what is still there after ``grace_s`` seconds.

    Returns
    -------
    ``"stopped"``, ``"killed"`` (it did not react in time) or ``"gone"`` (it was not running).
    """
    main = record.process()
    members = [p for p in session_members(record) if main is None or p.pid != main.pid]
    outcome = "gone"
    if main is not None:
        outcome = "stopped"
        _signal(main, signal.SIGTERM)
        if not _wait_gone([main], grace_s):
            outcome = "killed"
            _signal(main, signal.SIGKILL)
            _wait_gone([main], 10.0)
    left = {p.pid: p for p in [*members, *session_members(record)] if p.is_running()}
    for process in left.values():
        _signal(process, signal.SIGTERM)
    if not _wait_gone(list(left.values()), 5.0):
        for process in left.values():
            _signal(process, signal.SIGKILL)
        _wait_gone(list(left.values()), 10.0)
    reap()
    return outcome


def kill(record: ProcessRecord) -> None:
    """SIGKILL the recorded process, its children (Python workers of a TaskManager) being left to
    themselves."""
    process = record.process()
    if process is not None:
        _signal(process, signal.SIGKILL)
        _wait_gone([process], 10.0)
    reap()


def session_members(record: ProcessRecord) -> list[psutil.Process]:
    """Processes of the session which the recorded one leads or led.

    A session's number may be given out again after its end, so the mark in their environment decides.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == record.pid and _carries(process, record):
                found.append(process)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return found


def _carries(process: psutil.Process, record: ProcessRecord) -> bool:
    return bool(process.environ().get(MARK) == record.identity)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _wait_gone(processes: list[psutil.Process], timeout_s: float) -> bool:
    """Whether all of them ended within the time; our own dead children are collected meanwhile."""

    def gone() -> bool:
        reap()
        return not any(_lives(process) for process in processes)

    return wait_until(gone, timeout_s, every_s=0.05)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float, *, every_s: float = 0.2) -> bool:
    """Whether the condition came true before the deadline; asked at least once."""
    deadline = time.monotonic() + timeout_s
    while True:
        if condition():
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(every_s)


def port_holder(port: int) -> str | None:
    """Who listens on a TCP port of this machine, as text for a message; None when the port is free.

    "Free" is decided by binding the port, as the server will do; who holds it is known only where the system
    lets us see other users' sockets.
    """
    if _bindable(port):
        return None
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                return "a process of another user"
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())
            except psutil.Error:
                command = ""
            short = command if len(command) <= 60 else command[:57] + "..."
            return f"process {connection.pid}" + (f" ({short})" if short else "")
    return "another process"


def _bindable(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def answers(port: int, host: str = "localhost", *, timeout_s: float = 1.0) -> bool:
    """Whether something accepts a TCP connection there."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False
