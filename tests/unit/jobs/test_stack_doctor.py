"""Each thing that can be missing is found, and comes with its repair."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from jobs.settings import CONF_DIR, Settings, load_settings
from jobs.stack import doctor
from jobs.stack.doctor import Check, examine, expected_jars, is_fit, read_pins

GB = 1_000_000_000


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A machine that lacks nothing, whatever this one lacks."""
    jars = tmp_path / "jars"
    for folder, name in expected_jars().items():
        (jars / folder).mkdir(parents=True)
        (jars / folder / name).touch()
    monkeypatch.setattr(doctor, "java_executable", lambda: "/opt/java")
    monkeypatch.setattr(doctor, "java_version", lambda _: (17, "17.0.1"))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    pins = read_pins((doctor.PROJECT_ROOT / "constraints.txt").read_text())
    monkeypatch.setattr(doctor.metadata, "version", lambda name: pins[name])
    monkeypatch.setattr(
        doctor.metadata, "requires", lambda _: ["numpy>=1.26,<2.2", "ruamel.yaml>=0", "x; extra == 'dev'"]
    )
    monkeypatch.setattr(doctor, "_kernels", lambda _: [Check("kernels", "ok", "")])
    monkeypatch.setattr(psutil, "disk_usage", lambda _: SimpleNamespace(free=100 * GB))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100 * GB))
    (tmp_path / "data").mkdir()
    names = ("kafka_port", "controller_port", "flink_port", "jobmanager_port")
    folders = {"state_dir": tmp_path / "state", "jars_dir": jars, "data": tmp_path / "data"}
    return load_settings(environ={}, overrides=dict(zip(names, free_ports(4), strict=True)) | folders)


def found(settings: Settings, name: str) -> list[Check]:
    return [check for check in examine(settings) if check.name == name]


def test_nothing_missing(machine: Settings) -> None:
    checks = examine(machine)
    assert is_fit(checks), checks
    assert {check.state for check in checks} == {"ok"} and not any(check.repair for check in checks)
    names = ["python", "java", "packages", "jars", "maven", "kernels", "stack", "ports", "disk", "memory", "data"]
    assert [check.name for check in checks] == names


def raise_missing() -> str:
    raise doctor.CutbankError("no java found")


def absent(_: str) -> str:
    raise doctor.metadata.PackageNotFoundError


BREAKS: dict[str, tuple[Callable[[pytest.MonkeyPatch, Settings], Any], str, str, str, str]] = {
    "java absent": (
        lambda m, s: m.setattr(doctor, "java_executable", raise_missing),
        "java", "missing", "no java found", "install a Java 17",
    ),
    "java too old": (
        lambda m, s: m.setattr(doctor, "java_version", lambda _: (11, "11.0.2")),
        "java", "missing", "11.0.2", "install a Java 17",
    ),
    "python of another version": (
        lambda m, s: m.setattr(doctor.sys, "version_info", (3, 12, 1)),
        "python", "missing", "expected 3.11", "PYTHON=python3.11",
    ),
    "package absent": (
        lambda m, s: m.setattr(doctor.metadata, "version", absent),
        "packages", "missing", "not installed: numpy, ruamel-yaml", "make setup",
    ),
    "cutbank itself absent": (
        lambda m, s: m.setattr(doctor.metadata, "requires", absent),
        "packages", "missing", "cutbank itself", "make setup",
    ),
    "package of another version": (
        lambda m, s: m.setattr(doctor.metadata, "version", lambda name: "0.0.1"),
        "packages", "missing", "numpy 0.0.1 (pinned", "pip install -c constraints.txt",
    ),
    "jar absent": (
        lambda m, s: next((s.jars_dir / "flink").iterdir()).unlink(),
        "jars", "missing", "flink/flink-sql-connector-kafka-", "make jars",
    ),
    "little disk": (
        lambda m, s: m.setattr(psutil, "disk_usage", lambda _: SimpleNamespace(free=GB // 2)),
        "disk", "missing", "0.5 GB free", "CUTBANK_STATE_DIR",
    ),
    "not much disk": (
        lambda m, s: m.setattr(psutil, "disk_usage", lambda _: SimpleNamespace(free=3 * GB)),
        "disk", "note", "3.0 GB free", "make clean-state",
    ),
    "little memory": (
        lambda m, s: m.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=GB)),
        "memory", "note", "1.0 GB available", "_memory_mb",
    ),
    "no recorded data": (
        lambda m, s: s.data.rmdir(),
        "data", "note", "no folder", "CUTBANK_DATA",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BREAKS)
def test_what_is_wrong_is_said_with_its_repair(case: str, machine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    damage, name, state, detail, repair = BREAKS[case]
    damage(monkeypatch, machine)

    check = found(machine, name)[0]

    assert check.state == state and detail in check.detail and repair in check.repair
    assert is_fit(examine(machine)) == (state != "missing")


def test_maven_is_needed_only_without_jars(machine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert [check.state for check in found(machine, "maven")] == ["note"]
    next((machine.jars_dir / "broker").iterdir()).unlink()
    assert [check.state for check in found(machine, "maven")] == ["missing"]


def test_a_taken_port_is_named_with_its_holder(machine: Settings) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", machine.flink_port))
        server.listen()
        (check,) = found(machine, "ports")
    assert check.state == "missing" and "CUTBANK_FLINK_PORT" in check.repair
    assert f"{machine.flink_port} (flink_port) is held by process {os.getpid()}" in check.detail


def test_a_dead_process_is_found(machine: Settings) -> None:
    run = machine.state_dir / "run"
    run.mkdir(parents=True)
    (run / "broker.json").write_text('{"name": "broker", "pid": 1, "started": 5.0, "log": "/x/broker.log"}')
    (check,) = found(machine, "stack")
    assert (check.state, check.repair) == ("missing", "cutbank up")
    assert "died: broker; see /x/broker.log" in check.detail


def test_a_stack_elsewhere_is_asked_not_started(machine: Settings) -> None:
    nobody, flink = free_ports(2)
    elsewhere = load_settings(
        environ={},
        overrides={
            "bootstrap_servers": f"localhost:{nobody}",
            "flink_url": f"http://localhost:{flink}",
            "state_dir": machine.state_dir,
        },
    )
    checks = {check.name: check for check in examine(elsewhere)}
    assert checks["kafka"].state == checks["flink"].state == "missing"
    assert "ports" not in checks and "memory" not in checks


def test_the_expected_jars_are_those_of_the_pom() -> None:
    pom = (CONF_DIR / "jars.xml").read_text()
    assert "<kafka.version>4.2.0</kafka.version>" in pom and "<connector.version>5.0.0-2.2</connector.version>" in pom
    assert expected_jars() == {
        "broker": "kafka_2.13-4.2.0.jar",
        "flink": "flink-sql-connector-kafka-5.0.0-2.2.jar",
    }


def test_pins_are_read_by_normal_name() -> None:
    text = "# comment\nA_b.C==1.0  # why\n\nnumpy == 2\nnot a pin\n"
    assert read_pins(text) == {"a-b-c": "1.0", "numpy": "2"}
