"""The command line as a user meets it: help, exit codes, one line for an error, JSON and nothing else."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from jobs import cli
from jobs.cli import COMMANDS, load_command
from jobs.cli.output import duration, size
from jobs.cli.tail import Columns, as_object
from jobs.errors import StackError
from jobs.stack.kafka_read import Record

NAMES = [entry.name for entry in COMMANDS]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of a stack that does not run."""
    for variable in [name for name in os.environ if name.startswith("CUTBANK_")]:
        monkeypatch.delenv(variable)
    for field in ("KAFKA_PORT", "CONTROLLER_PORT", "FLINK_PORT", "JOBMANAGER_PORT"):
        monkeypatch.setenv(f"CUTBANK_{field}", str(free_port()))
    monkeypatch.setenv("CUTBANK_STATE_DIR", str(tmp_path / "state"))
    before = dict(os.environ)
    yield
    os.environ.clear()  # --setting and --profile write to it
    os.environ.update(before)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.execute(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example(name: str) -> None:
    def check(command: Any, path: str) -> None:
        assert command.help and "Example: cutbank " in command.help, f"{path} has no example"
        for inner_name, inner in getattr(command, "commands", {}).items():
            check(inner, f"{path} {inner_name}")

    command = load_command(name)
    if getattr(command, "commands", None) and command.callback is None:
        for inner_name, inner in command.commands.items():
            check(inner, f"{name} {inner_name}")
    else:
        check(command, name)


@pytest.mark.parametrize("name", NAMES)
def test_help_is_shown_and_is_no_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, name, "--help")
    assert (code, err) == (0, "") and f"cutbank {name}" in out


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--help")
    assert code == 0
    assert [name for name in NAMES if not re.search(rf"^│ {name}\b", out, re.M)] == []


def test_the_overview_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys, jobs.cli; assert jobs.cli.execute(['--help']) == 0; "
        "print(sorted({'pyflink', 'numba', 'numpy', 'kafka', 'pydantic', 'py4j'} & set(sys.modules)), file=sys.stderr)"
    )
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    assert done.stderr.strip() == "[]"
    # processor time, about 0.15 s: a busy machine does not make it longer
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tpics"], "No such command 'tpics'. Did you mean 'topics'?; see `cutbank --help`"),
        (["up", "--colour"], "No such option: --colour; see `cutbank up --help`"),
        (["tail"], "see `cutbank tail --help`"),
        (["tail", "x", "--last", "many"], "Input should be a valid integer"),
        (["tail", "x", "--last", "1", "--from-beginning"], "--from-beginning and --last: give one of them"),
        (["topics", "create", "a/b"], "topic 'a/b': expected 1 to 249 of the characters"),
        (["topics", "create", "x", "--partitions", "0"], "Input should be greater than or equal to 1"),
        (["--setting", "nonsense", "status"], "--setting: expected KEY=VALUE, got 'nonsense'"),
        (["--setting", "kafka_prot=1", "status"], "there is no setting 'kafka_prot' (did you mean 'kafka_port'?)"),
        (["--profile", "moon", "status"], "profile 'moon': no file"),
        (["--setting", "kafka_port=80", "status"], "kafka_port: input should be greater than or equal to 1024"),
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "") and said in err
    assert err.startswith("cutbank: ") and err.count("\n") == 1


@pytest.mark.usefixtures("nowhere")
def test_a_failure_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["topics"], ["tail", "x"], ["topics", "create", "x"]):
        code, out, err = call(capsys, *arguments)
        assert (code, out) == (1, "") and err.count("\n") == 1
        assert "no Kafka broker answers at localhost:" in err and "`cutbank status`" in err


@pytest.mark.usefixtures("nowhere")
def test_a_bug_of_ours_is_one_line_unless_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("jobs.cli.status.load_settings", broken)
    code, _, err = call(capsys, "status")
    assert code == 1
    assert err == "cutbank: internal error: ZeroDivisionError: deep inside (CUTBANK_DEBUG=1 shows where)\n"
    monkeypatch.setenv("CUTBANK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.execute(["status"])
    monkeypatch.setattr("jobs.cli.status.load_settings", lambda: (_ for _ in ()).throw(StackError("x")))
    with pytest.raises(StackError):
        cli.execute(["status"])


@pytest.mark.usefixtures("nowhere")
def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("jobs.cli.status.load_settings", interrupted)
    assert cli.execute(["status"]) == 130
    monkeypatch.setattr("jobs.cli.status.load_settings", lambda: (_ for _ in ()).throw(typer.Abort()))
    assert cli.execute(["status"]) == 130


@pytest.mark.usefixtures("nowhere")
def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "status", "--json")
    status = json.loads(out)
    assert (code, err) == (0, "") and out.count("\n") == 1
    assert status["ready"] is False and [c["state"] for c in status["components"]] == ["stopped"] * 3
    assert status["flink"] is None and status["jobs"] == []

    code, out, err = call(capsys, "down", "--json")
    assert (code, json.loads(out), err) == (0, {"stopped": [], "interrupted_jobs": []}, "")

    code, out, err = call(capsys, "doctor", "--json")
    report = json.loads(out)
    assert err == "" and code == (0 if report["fit"] else 1)
    assert {"name", "state", "detail", "repair"} == set(report["checks"][0])


@pytest.mark.usefixtures("nowhere")
def test_status_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "status")
    assert code == 0 and "no answer" in out and "`cutbank up` starts what is stopped" in out


@pytest.mark.usefixtures("nowhere")
def test_a_stack_elsewhere_is_neither_started_nor_stopped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTBANK_FLINK_URL", f"http://localhost:{free_port()}")
    for name in ("up", "down"):
        code, _, err = call(capsys, name)
        assert code == 2 and "names a broker or cluster elsewhere" in err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "--version")
    assert code == 0 and re.fullmatch(r"cutbank \d+\.\d+\.\d+\n", out)


def record(value: bytes | None, key: bytes | None = None, timestamp_ms: int = 1_700_000_000_123) -> Record:
    return Record(1, 7, timestamp_ms, key, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"a": 1.5, "b": [null]}', {"a": 1.5, "b": [None]}),
        (b"plain", "plain"),
        (b'{"a": NaN}', '{"a": NaN}'),  # not JSON; printed as JSON it would not be one either
        (b"\xff\x00", {"base64": "/wA="}),
        (b"", ""),
        (None, None),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_a_record_as_json(value: bytes | None, expected: object) -> None:
    shown = as_object(record(value, key=b"k"))
    assert shown["value"] == expected and shown["key"] == "k"
    assert shown["timestamp"] == "2023-11-14T22:13:20.123Z"
    json.dumps(shown, allow_nan=False)


@pytest.mark.parametrize("timestamp_ms", [-1, 2**63 - 1, -(2**62)])
def test_a_time_the_calendar_does_not_know(timestamp_ms: int) -> None:
    assert as_object(record(b"{}", timestamp_ms=timestamp_ms))["timestamp"] is None


def test_columns_line_up_and_come_again_when_they_change() -> None:
    from rich.console import Console

    values = [b'{"device": "a", "n": 5}', b'{"device": "longer", "n": 12345}', b'{"other": [1, true]}', b"\xff", None]
    records = [record(value) for value in values]
    out = Console(width=60, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    show = Columns(out, records[:2])
    for one in records:
        show.add(one)
    assert [line.rstrip() for line in out.export_text().splitlines()] == [
        "device      n",
        "a           5",
        "longer  12345",
        "other",
        "[1,true]",
        "base64",
        "/w==",
        "value",
        "null",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (11100, "3 h 05 min"),
        (2e5, "2 d 7 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (512e6, "512 MB"), (2.34e9, "2.3 GB"), (5e12, "5.0 TB")],
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text
