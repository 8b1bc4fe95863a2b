"""How each process of the local stack is started: broker, JobManager, TaskManager.

The command lines are those of the distributions' own scripts, without the shells and helper JVMs those start
around them (about eight seconds on two cores): the process id is the server's own, and `up` can start all
three at once.
"""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from pathlib import Path

from jobs.errors import StackError
from jobs.settings import Settings
from jobs.stack.java import java_executable, memory_arguments
from jobs.stack.processes import ProcessRecord, spawn
from jobs.stack.render import broker_jars, flink_configuration, flink_home

NAMES = ("broker", "jobmanager", "taskmanager")
_MAIN_CLASS = {
    "jobmanager": "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    "taskmanager": "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}


def ports_of(settings: Settings, name: str) -> dict[str, int]:
    """Ports a component listens on, by the setting that names them (a TaskManager takes free ones)."""
    return {
        "broker": {"kafka_port": settings.kafka_port, "controller_port": settings.controller_port},
        "jobmanager": {"flink_port": settings.flink_port, "jobmanager_port": settings.jobmanager_port},
        "taskmanager": {},
    }[name]


def flink_environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with what makes Flink's scripts and PyFlink use our configuration and lib
    folder.

    A process that has run PyFlink on its own has the address of its worker pool in it, and the Python workers of a
    cluster that finds it there come to life in that process.
    """
    home, state = flink_home(), settings.state_dir
    own = {name: value for name, value in os.environ.items() if name != "PYTHON_LOOPBACK_SERVER_ADDRESS"}
    return own | {
        "FLINK_HOME": str(home),
        "FLINK_BIN_DIR": str(home / "bin"),
        "FLINK_OPT_DIR": str(home / "opt"),
        "FLINK_PLUGINS_DIR": str(home / "plugins"),
        "FLINK_CONF_DIR": str(state / "flink-conf"),
        "FLINK_LIB_DIR": str(state / "flink-lib"),
        "FLINK_LOG_DIR": str(state / "log"),
        "FLINK_PID_DIR": str(state / "run"),
        "FLINK_IDENT_STRING": "cutbank",
    }


def start_broker(settings: Settings) -> ProcessRecord:
    """Format the storage if it is new, then start the broker (it does not answer yet)."""
    state = settings.state_dir
    java, classpath = java_executable(), f"{broker_jars(settings)}{os.sep}*"
    log = state / "log" / "broker.log"
    logging = [
        f"-Dlog4j2.configurationFile={(state / 'flink-conf' / 'broker-log4j2.properties').as_uri()}",
        f"-Dlog.file={log}",
    ]
    properties = state / "broker.properties"
    if not (state / "kafka" / "meta.properties").is_file():
        command = [java, "-XX:TieredStopAtLevel=1", *logging, "-cp", classpath, "kafka.tools.StorageTool"]
        command += ["format", "--standalone", "-t", _cluster_id(), "-c", str(properties)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()
            raise StackError(f"cannot format {state / 'kafka'} for Kafka: {reason[-1] if reason else 'no message'}")
    heap = settings.kafka_heap_mb
    command = [java, f"-Xms{min(heap, 256)}m", f"-Xmx{heap}m", "-XX:+UseSerialGC", *logging]
    command += ["-cp", classpath, "kafka.Kafka", str(properties)]
    return spawn(
        "broker",
        command,
        environ=os.environ,
        folder=state / "run",
        output=log.with_suffix(".out"),
        log=log,
        ports=ports_of(settings, "broker"),
        identity=_fresh_name("broker"),
    )


def start_jobmanager(settings: Settings) -> ProcessRecord:
    """Start the JobManager with the dashboard (it does not answer yet)."""
    return _start_flink(settings, "jobmanager")


def start_taskmanager(settings: Settings) -> ProcessRecord:
    """Start a TaskManager under a new name (it has not registered yet)."""
    return _start_flink(settings, "taskmanager")


def _start_flink(settings: Settings, name: str) -> ProcessRecord:
    identity = _fresh_name(name)
    state = settings.state_dir
    conf, lib, log = state / "flink-conf", state / "flink-lib", state / "log" / f"{name}.log"
    memory, dynamic = memory_arguments(name, conf, lib)
    if name == "taskmanager":
        dynamic = [*dynamic, "-D", f"taskmanager.resource-id={identity}"]
    opened = flink_configuration(settings)["env"]["java"]["opts"]["all"].split()
    logging = f"{(conf / 'log4j.properties').as_uri()}"
    command = [
        java_executable(),
        *memory,
        "-XX:+IgnoreUnrecognizedVMOptions",
        *opened,
        f"-Djava.io.tmpdir={state / 'tmp'}",
        f"-Dlog.file={log}",
        f"-Dlog4j.configurationFile={logging}",
        "-classpath",
        class_path(lib),
        _MAIN_CLASS[name],
        "--configDir",
        str(conf),
        *dynamic,
    ]
    return spawn(
        name,
        command,
        environ=flink_environment(settings),
        folder=state / "run",
        output=log.with_suffix(".out"),
        log=log,
        ports=ports_of(settings, name),
        identity=identity,
    )


def class_path(lib: Path) -> str:
    """Flink's class path: the lib folder by name, the distribution itself last."""
    jars = sorted(lib.glob("*.jar"), key=lambda jar: (jar.name.startswith("flink-dist"), jar.name))
    return os.pathsep.join(str(jar) for jar in jars)


def _fresh_name(component: str) -> str:
    return f"{component}-{uuid.uuid4().hex[:8]}"


def _cluster_id() -> str:
    """A Kafka uuid: 22 characters of URL-safe base64; one that begins with a dash would read as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
