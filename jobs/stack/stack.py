"""The local stack as one object: start, stop, look at it, and call its Flink."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from jobs.errors import StackError, UsageError
from jobs.settings import Settings
from jobs.stack import components, kafka_admin
from jobs.stack.java import java_executable
from jobs.stack.processes import (
    ProcessRecord,
    answers,
    forget_record,
    kill,
    port_holder,
    read_record,
    reap,
    session_members,
    stop,
    wait_until,
)
from jobs.stack.render import broker_jars, connector_jar, flink_home, render
from jobs.stack.rest import FlinkRest, Job, Overview, RestError

Progress = Callable[[str], None]
START_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class ComponentStatus:
    """One process of the stack.

    Attributes
    ----------
    state
        ``running``, ``stopped`` (nothing is recorded) or ``dead`` (it was started and is gone).
    memory_bytes
        Resident size, of a TaskManager with its Python workers.
    """

    name: str
    state: str
    pid: int | None = None
    started: float | None = None
    ports: dict[str, int] = field(default_factory=dict)
    memory_bytes: int = 0
    log: str = ""


@dataclass(frozen=True)
class StackStatus:
    """What runs, and what it answers.

    Attributes
    ----------
    kafka_answers
        Whether a broker answers at the settings' address (also one elsewhere).
    flink
        The cluster's own overview; None when it does not answer.
    jobs
        Jobs the cluster knows, newest first.
    """

    components: tuple[ComponentStatus, ...]
    kafka_answers: bool
    flink: Overview | None
    jobs: tuple[Job, ...]

    @property
    def ready(self) -> bool:
        """Whether records can flow: a broker and a cluster with a TaskManager."""
        return self.kafka_answers and self.flink is not None and self.flink.taskmanagers > 0


class Stack:
    """Broker and cluster of one settings object; two stacks with other ports and folders do not see each
    other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rest = FlinkRest(settings.flink_url)
        self._run = settings.state_dir / "run"

    # start and stop

    def up(self, progress: Progress = lambda _: None) -> StackStatus:
        """Start what does not run yet and wait until everything answers.

        Calling it again is harmless: what runs is left alone, what died is started again.

        Raises
        ------
        StackError
            Before anything starts: no Java, no jars, a port in use (and by whom). After: a process that ended
            or did not answer in time; then what this call started is stopped again.
        """
        self._must_be_local("started")
        with self._lock():
            running = self._running(progress)
            missing = [name for name in components.NAMES if name not in running]
            if not missing:
                return self.status()
            self._check_before(missing)
            render(self.settings)
            started: list[ProcessRecord] = []
            try:
                for name in missing:
                    progress(f"starting {name}")
                    started.append(self._start(name))
                self._wait_ready({r.name: r for r in started} | running, progress)
            except BaseException:
                for record in reversed(started):
                    stop(record, grace_s=5.0)
                    forget_record(self._run, record.name)
                raise
        return self.status()

    def down(self, progress: Progress = lambda _: None) -> list[str]:
        """Stop what `up` started, by process id; returns the names of what was still running.

        Jobs end without a savepoint; their retained checkpoints stay in the state folder.
        """
        self._must_be_local("stopped")
        stopped = []
        with self._lock():
            for name in (
                "jobmanager",
                "taskmanager",
                "broker",
            ):  # the broker last: sinks close their transactions
                record = read_record(self._run, name)
                if record is None:
                    continue
                if record.alive:
                    progress(f"stopping {name} (process {record.pid})")
                outcome = stop(record)
                forget_record(self._run, name)
                if outcome != "gone":
                    stopped.append(name)
                if outcome == "killed":
                    progress(f"{name} did not end in time and was killed")
        return stopped

    def restart_taskmanager(self, progress: Progress = lambda _: None) -> ProcessRecord:
        """Replace the TaskManager (dead or alive) by a new one and wait until it has registered."""
        self._must_be_local("restarted")
        with self._lock():
            old = read_record(self._run, "taskmanager")
            if old is not None:
                stop(old)
                forget_record(self._run, "taskmanager")
            render(self.settings)
            progress("starting taskmanager")
            record = components.start_taskmanager(self.settings)
            self._wait(record, "register with the JobManager", lambda: self._registered(record))
        return record

    def kill_taskmanager(self) -> int:
        """SIGKILL the TaskManager, as a crash would; returns its process id. Nothing starts it again by
        itself."""
        record = read_record(self._run, "taskmanager")
        if record is None or not record.alive:
            raise StackError("no TaskManager of this stack is running; run `cutbank up`")
        kill(record)
        return record.pid

    def python_workers(self) -> list[int]:
        """Process ids of the Python workers of the running TaskManager, lowest first."""
        record = read_record(self._run, "taskmanager")
        found = []
        for process in session_members(record) if record is not None and record.alive else []:
            with contextlib.suppress(psutil.Error):
                if any("pyflink.fn_execution" in argument for argument in process.cmdline()):
                    found.append(process.pid)
        return sorted(found)

    # look at it

    def status(self) -> StackStatus:
        """What runs and answers now; never fails because something is down."""
        overview: Overview | None = None
        jobs: tuple[Job, ...] = ()
        rest = FlinkRest(self.settings.flink_url, timeout_s=3.0)
        with contextlib.suppress(RestError):
            overview = rest.overview()
            jobs = tuple(rest.jobs())
        known = tuple(self._component(name) for name in components.NAMES) if self.settings.is_local else ()
        return StackStatus(known, self._kafka_answers(), overview, jobs)

    # call Flink

    def prepare(self) -> None:
        """Write the configuration a client needs; `flink_env` names it."""
        render(self.settings)

    def flink_env(self) -> dict[str, str]:
        """Environment for `flink run` or for starting a PyFlink gateway: this one's, plus Flink's folders as
        ours.

        The files it names are written first, so a plan can be made without a running stack.
        """
        self.prepare()
        environ = components.flink_environment(self.settings)
        # A client lives for seconds, in which compiling its code well costs more than it gives. `flink` is told by
        # flink-conf/config.yaml; PyFlink's gateway, which plans for `explain`, reads no options of clients.
        environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        return environ

    @property
    def flink_executable(self) -> Path:
        """Flink's own command line, ``bin/flink``."""
        return flink_home() / "bin" / "flink"

    # inside

    def _must_be_local(self, what: str) -> None:
        if not self.settings.is_local:
            raise UsageError(
                f"profile {self.settings.profile!r} names a broker or cluster elsewhere "
                f"({self.settings.bootstrap_servers}, {self.settings.flink_url}); "
                f"it cannot be {what} from here"
            )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """One `up` or `down` at a time for a state folder."""
        self._run.mkdir(parents=True, exist_ok=True)
        with (self._run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"another `cutbank up` or `down` is busy with {self.settings.state_dir}; wait for it"
                ) from None
            yield

    def _running(self, progress: Progress) -> dict[str, ProcessRecord]:
        """Records of what runs; those of dead processes are cleared away with what is left of their
        session."""
        running = {}
        for name in components.NAMES:
            record = read_record(self._run, name)
            if record is None:
                continue
            if not record.alive:
                progress(f"{name} (process {record.pid}) is gone")
                stop(record, grace_s=0.0)
                forget_record(self._run, name)
                continue
            expected = components.ports_of(self.settings, name)
            if record.ports != expected:
                raise StackError(
                    f"{name} (process {record.pid}) already runs on {_ports(record.ports)}, "
                    f"the settings say {_ports(expected)}; run `cutbank down` first"
                )
            progress(f"{name} already runs (process {record.pid})")
            running[name] = record
        return running

    def _check_before(self, missing: list[str]) -> None:
        java_executable()
        broker_jars(self.settings)
        connector_jar(self.settings)
        taken = []
        for name in missing:
            for setting, port in components.ports_of(self.settings, name).items():
                holder = port_holder(port)
                if holder is not None:
                    taken.append(f"port {port} ({setting}) is held by {holder}")
        if taken:
            raise StackError(
                "; ".join(taken)
                + "; end it, or choose other ports with CUTBANK_<SETTING> or in the profile. "
                + "Nothing was started"
            )

    def _start(self, name: str) -> ProcessRecord:
        start = {
            "broker": components.start_broker,
            "jobmanager": components.start_jobmanager,
            "taskmanager": components.start_taskmanager,
        }
        return start[name](self.settings)

    def _wait_ready(self, records: dict[str, ProcessRecord], progress: Progress) -> None:
        broker, jobmanager, taskmanager = (records[name] for name in components.NAMES)
        self._wait(broker, f"answer on port {self.settings.kafka_port}", self._kafka_answers)
        progress(f"broker answers on port {self.settings.kafka_port}")
        self._wait(jobmanager, f"answer on port {self.settings.flink_port}", self._flink_answers)
        progress(f"dashboard answers at {self.settings.flink_url}")
        self._wait(taskmanager, "register with the JobManager", lambda: self._registered(taskmanager))
        progress(f"taskmanager registered with {self.settings.task_slots} slots")

    def _wait(self, record: ProcessRecord, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition as long as the process lives."""
        ended = False

        def done() -> bool:
            nonlocal ended
            reap()
            ended = not record.alive
            return ended or condition()

        come_true = wait_until(done, START_TIMEOUT_S)
        if ended or not come_true:
            how = "ended" if ended else f"did not {what} within {START_TIMEOUT_S:.0f} s"
            raise StackError(f"{record.name} {how}: {_last_words(record)}")

    def _kafka_answers(self) -> bool:
        if self.settings.is_local and not answers(self.settings.kafka_port):
            return False
        return kafka_admin.is_ready(self.settings)

    def _flink_answers(self) -> bool:
        try:
            self.rest.overview()
        except RestError:
            return False
        return True

    def _registered(self, record: ProcessRecord) -> bool:
        try:
            managers = self.rest.get("/taskmanagers")["taskmanagers"]
            # its slots are reported, and shown, a moment after itself
            slots = self.rest.overview().slots_total
        except RestError:
            return False
        return slots > 0 and any(manager["id"] == record.identity for manager in managers)

    def _component(self, name: str) -> ComponentStatus:
        record = read_record(self._run, name)
        if record is None:
            return ComponentStatus(name, "stopped", ports=components.ports_of(self.settings, name))
        process = record.process()
        if process is None:
            return ComponentStatus(name, "dead", record.pid, record.started, record.ports, 0, record.log)
        memory = 0
        for member in session_members(record):
            with contextlib.suppress(psutil.Error):
                memory += member.memory_info().rss
        return ComponentStatus(name, "running", record.pid, record.started, record.ports, memory, record.log)


def _ports(ports: dict[str, int]) -> str:
    return ", ".join(f"{name} {port}" for name, port in ports.items())


def _last_words(record: ProcessRecord) -> str:
    """The last line that tells something from the log or the output of a process, and where to read on."""
    log = Path(record.log)
    for path in (log.with_suffix(".out"), log):
        with contextlib.suppress(OSError):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-200:]
            telling = [line for line in lines if "ERROR" in line or "Exception" in line or "Error:" in line]
            if telling:
                return f"{telling[-1].strip()[:300]} (see {path})"
    return f"see {log}"
