"""The local stack on real processes: start, stop, survive, and run a Python job from Kafka to Kafka."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from ruamel.yaml import YAML

from jobs.errors import StackError
from jobs.settings import CONF_DIR, PROJECT_ROOT, Settings
from jobs.stack import Stack
from jobs.stack.kafka_read import Record
from jobs.stack.processes import port_holder, wait_until
from jobs.stack.render import flink_home
from jobs.stack.rest import FlinkRest

COPY_JOB = str(Path(__file__).parent / "programs" / "copy_job.py")
NAMES = ["broker", "jobmanager", "taskmanager"]
SLOTS = "taskmanager.numberOfTaskSlots"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def pids(stack: Stack) -> dict[str, int | None]:
    return {part.name: part.pid for part in stack.status().components}


def values(records: list[Record]) -> list[int]:
    return sorted(json.loads(record.value or b"{}")["i"] for record in records)


def test_up_leaves_alone_what_runs(stack: Stack) -> None:
    before = pids(stack)
    told: list[str] = []

    status = stack.up(told.append)

    assert status.ready and [part.state for part in status.components] == ["running"] * 3
    assert pids(stack) == before and set(before) == set(NAMES)
    assert told == [f"{name} already runs (process {before[name]})" for name in NAMES]


def test_dashboard_answers(stack: Stack) -> None:
    with urllib.request.urlopen(stack.settings.flink_url, timeout=10) as page:
        assert b"Apache Flink Web Dashboard" in page.read()
    overview = stack.rest.overview()
    assert overview.flink_version.startswith("2.3.") and overview.slots_total == stack.settings.task_slots


def test_a_python_job_copies_exactly_once_through_crashes(
    stack: Stack,
    new_topic: Callable[..., str],
    produce: Callable[..., None],
    read_committed: Callable[..., list[Record]],
    flink_run: Callable[..., str],
) -> None:
    source, target = new_topic("copy-in"), new_topic("copy-out")
    produce(source, [{"i": i} for i in range(200)])
    job = flink_run("-py", COPY_JOB, stack.settings.bootstrap_servers, source, target)

    first = read_committed(target, at_least=200)
    assert values(first) == list(range(200))
    executable, worker = json.loads(first[0].value or b"{}")["worker"].split()
    assert executable == sys.executable and int(worker) in stack.python_workers()

    os.kill(int(worker), signal.SIGKILL)
    produce(source, [{"i": i} for i in range(200, 400)])
    assert values(read_committed(target, at_least=400)) == list(range(400))

    orphans = stack.python_workers()
    killed = stack.kill_taskmanager()
    assert {part.name: part.state for part in stack.status().components}["taskmanager"] == "dead"
    produce(source, [{"i": i} for i in range(400, 600)])
    fresh = stack.restart_taskmanager()
    assert fresh.pid != killed and values(read_committed(target, at_least=600)) == list(range(600))
    assert not any(psutil.pid_exists(pid) for pid in orphans), "Python workers of the killed TaskManager live on"

    vertex = stack.rest.vertices(job)[0]
    assert wait_until(lambda: "numRecordsIn" in stack.rest.metric_names(job, vertex.id), 60)
    read: dict[str, float] = {}
    # counted by the attempt that runs now, and fetched by the JobManager from time to time
    assert wait_until(
        lambda: bool(read.update(stack.rest.metrics(job, vertex.id, ["numRecordsOut"])) or read.get("numRecordsOut")),
        60,
    )
    assert any("no longer reachable" in failure or "lost" in failure for failure in stack.rest.exceptions(job))

    savepoint = stack.rest.stop_with_savepoint(job)
    assert Path(savepoint.removeprefix("file:"), "_metadata").is_file()
    assert stack.rest.wait_for_end(job).state == "FINISHED"
    assert stack.rest.checkpoints(job).latest_savepoint is not None
    assert wait_until(lambda: stack.python_workers() == [], 30), "workers outlive their job"


def test_nothing_of_ours_is_left_in_flinks_own_folders(stack: Stack) -> None:
    assert not list((flink_home() / "lib").glob("*kafka*")), "the connector belongs on our own lib folder"
    linked = Path(stack.flink_env()["FLINK_LIB_DIR"])
    assert list(linked.glob("flink-sql-connector-kafka-*.jar"))
    assert {jar.name for jar in (flink_home() / "lib").glob("*.jar")} < {jar.name for jar in linked.iterdir()}


def test_a_port_in_use_is_named_before_anything_starts(stack: Stack, make_settings: Callable[..., Settings]) -> None:
    taken = stack.settings.kafka_port
    other = Stack(make_settings(kafka_port=taken))

    with pytest.raises(StackError, match=rf"port {taken} \(kafka_port\) is held by process {pids(stack)['broker']}"):
        other.up()

    assert [part.state for part in other.status().components] == ["stopped"] * 3
    assert not (other.settings.state_dir / "kafka").exists()


def test_the_commands_of_the_compose_file_start_a_cluster(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """As they stand, except for names and folders that exist in containers only."""
    used = make_settings()
    services = YAML(typ="safe").load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    conf = tmp_path / "conf"
    conf.mkdir()
    for name in ("config.yaml", "log4j-cli.properties", "docker/log4j-console.properties"):
        shutil.copy(CONF_DIR / name, conf)
    environ = os.environ | {"FLINK_CONF_DIR": str(conf), "FLINK_LOG_DIR": str(tmp_path), "FLINK_PID_DIR": str(tmp_path)}
    reporter_ports = {"jobmanager": free_port(), "taskmanager": free_port()}
    running = []
    try:
        for name in ("jobmanager", "taskmanager"):
            script, *options = services[name]["command"]
            options = [
                option.replace("=jobmanager", "=localhost")
                .replace("0.0.0.0", "localhost")
                .replace("/opt/cutbank/state", str(tmp_path / "state"))
                .replace("=/usr/local/bin/python", f"={sys.executable}")
                .replace("=9249", f"={reporter_ports[name]}")
                for option in options
            ]
            options += ["-D", f"rest.port={used.flink_port}", "-D", f"jobmanager.rpc.port={used.jobmanager_port}"]
            with (tmp_path / f"{name}.out").open("wb") as output:
                running.append(
                    subprocess.Popen(
                        [str(flink_home() / "bin" / script), *options],
                        env=environ,
                        stdout=output,
                        stderr=output,
                        start_new_session=True,
                    )
                )
        rest = FlinkRest(used.flink_url)
        slots = int(dict(o.split("=", 1) for o in services["taskmanager"]["command"] if "=" in o)[SLOTS])

        def registered() -> bool:
            assert all(process.poll() is None for process in running), (tmp_path / "taskmanager.out").read_text()
            try:
                return rest.overview().slots_total == slots
            except StackError:
                return False

        assert wait_until(registered, 120), (tmp_path / "jobmanager.out").read_text()[-3000:]
        for port in reporter_ports.values():
            with urllib.request.urlopen(f"http://localhost:{port}/metrics", timeout=10) as page:
                assert b"flink_" in page.read()
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def test_down_stops_exactly_what_up_started(stack: Stack, make_settings: Callable[..., Settings]) -> None:
    shared = pids(stack)
    second = Stack(make_settings(kafka_heap_mb=256, taskmanager_memory_mb=1536, jobmanager_memory_mb=768))
    # what looks like a broker to somebody who searches by name
    decoy = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "kafka.Kafka", "TaskManagerRunner"])
    try:
        second.up()
        begun = pids(second)

        # a crash: only what died is started again, on the same data
        os.kill(begun["broker"] or 0, signal.SIGKILL)
        assert wait_until(lambda: second.status().components[0].state == "dead", 10)
        assert second.up().ready
        again = pids(second)
        assert again["broker"] != begun["broker"]
        assert (again["jobmanager"], again["taskmanager"]) == (begun["jobmanager"], begun["taskmanager"])

        assert sorted(second.down()) == NAMES
        assert second.down() == []
        assert wait_until(lambda: not any(_lives(pid) for pid in again.values()), 10)
        used = second.settings
        ports = (used.kafka_port, used.controller_port, used.flink_port, used.jobmanager_port)
        assert [port_holder(port) for port in ports] == [None] * 4
        assert list((used.state_dir / "run").glob("*.json")) == []
        assert decoy.poll() is None, "down ended a process it had not started"
        assert pids(stack) == shared and stack.status().ready, "down reached into another stack"
    finally:
        decoy.kill()
        decoy.wait()
        second.down()


def _lives(pid: int | None) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
