"""The command itself, with a sink in place of Kafka: options, errors, summaries, exit codes."""

from __future__ import annotations

import json
import signal
import threading
import wave
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from feeds.loudness import room_records
from jobs.cli import feed
from jobs.errors import CutbankError, UsageError
from tests.unit.feeds.conftest import Sink


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(feed.app, list(arguments), input=stdin)


def done(*arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    """The JSON summary of a command that must succeed, and prints nothing else."""
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stdout.count("\n") == 1
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


@pytest.mark.parametrize("command", ["loudness", "host-metrics", "file"])
def test_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0 and f"Example: cutbank feed {command}" in result.stdout


def test_a_room_goes_as_its_function_says(sink: Sink) -> None:
    start = "2026-01-01T00:00:00Z"
    options = ["--devices", "2", "--seed", "9", "--speed", "0", "--records", "1400", "--start", start]
    summary = done("loudness", *options)
    assert sink.records == room_records(9, 1400, devices=2, start_ms=1_767_225_600_000)
    truths = sum(r.truth for r in sink.records)
    assert truths >= 2
    assert (summary["records"], summary["truth_records"], summary["acknowledged"]) == (
        1400,
        truths,
        1400 + truths,
    )
    assert summary["topic"] == "loudness" and summary["source"] == "room" and summary["interrupted"] is False
    assert summary["value_bytes"] == sum(len(r.value) for r in sink.records)
    assert sink.topics == {"loudness": 2, "loudness-truth": 1}


def test_seconds_are_of_the_feeds_own_time(sink: Sink) -> None:
    assert done("loudness", "--speed", "0", "--seconds", "10")["records"] == 200
    assert done("loudness", "--speed", "100", "--seconds", "10", "--rate", "50")["seconds"] >= 0.1


def test_a_wav_file(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "hall.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\x00\x40" * 8000)  # 0.5 throughout
    summary = done("loudness", "--source", str(path), "--speed", "0", "--gain", "2")
    assert summary["records"] == 20 and sink.topics == {"loudness": 2}
    rows = [json.loads(r.value) for r in sink.records]
    assert {(r["device"], r["volume"]) for r in rows} == {("hall", 20.0)}
    assert {r.key for r in sink.records} == {b"hall"}


def test_a_summary_for_people(sink: Sink) -> None:
    result = run("loudness", "--speed", "0", "--seconds", "40", "--seed", "1")
    assert result.exit_code == 0
    assert result.stdout.startswith("loudness: 800 records and 2 about the truth in ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_summary(sink: Sink, number: signal.Signals) -> None:
    sink.when[30] = lambda: signal.pthread_kill(threading.main_thread().ident or 0, number)
    summary = done("loudness", "--speed", "100")
    assert summary["interrupted"] is True and summary["records"] == 30


def test_host_metrics_for_real(sink: Sink) -> None:
    summary = done("host-metrics", "--host", "here", "--records", "3", "--rate", "50")
    assert summary["records"] == 3 and summary["host"] == "here" and sink.topics == {"host-metrics": 1}
    assert {r.key for r in sink.records} == {b"here"}


def test_a_disturbance_that_is_cut_short_still_tells_its_end(sink: Sink) -> None:
    summary = done("host-metrics", "--rate", "50", "--records", "5", "--disturb", "0,30")
    assert summary["truth_records"] == 2 and sink.topics == {"host-metrics": 1, "host-metrics-truth": 1}
    kinds = [json.loads(r.value)["kind"] for r in sink.records if r.truth]
    assert kinds == ["burst_start", "burst_end"]


def test_a_file_goes_byte_for_byte(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "recorded.jsonl"
    path.write_bytes(b'{"device":"a"}\n\xff\n\n{"device":"b"}')
    result = run("file", str(path), "--topic", "loudness", "--key", "device")
    assert result.exit_code == 0
    sent = [(r.key, r.value) for r in sink.records]
    assert sent == [(b"a", b'{"device":"a"}'), (None, b"\xff"), (None, b""), (b"b", b'{"device":"b"}')]
    assert "2 lines have no usable 'device'" in result.stderr
    sink.records.clear()
    assert done("file", str(path), "--topic", "loudness", "--partition", "5", "--records", "2")["records"] == 2
    assert [r.partition for r in sink.records] == [5, 5] and sink.topics["loudness"] == 6


def test_standard_input_and_the_hash_of_lines(sink: Sink) -> None:
    lines = b"".join(b"line %d\n" % n for n in range(100))
    assert done("file", "-", "--topic", "t", "--partition-by-hash", stdin=lines)["records"] == 100
    assert b"".join(r.value + b"\n" for r in sink.records) == lines
    assert {r.partition for r in sink.records} == {0, 1}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["loudness", "--source", "gone.wav"], "no file 'gone.wav'"),
        (["loudness", "--rate", "0"], "--rate: expected a number 1 or more, got 0"),
        (["loudness", "--rate", "1001"], "--rate: expected a number from 1 to 1000"),
        (["loudness", "--rate", "nan"], "--rate"),
        (["loudness", "--gain", "0"], "--gain: expected a number above 0"),
        (["loudness", "--speed", "-1"], "--speed: expected a number 0 or more"),
        (["loudness", "--seconds", "0"], "--seconds"),
        (["loudness", "--records", "0"], "--records"),
        (["loudness", "--devices", "0"], "--devices"),
        (["loudness", "--seed", "-1"], "--seed"),
        (["loudness", "--device", " "], "--device: the name is empty"),
        (["loudness", "--start", "now"], "--start: 'now' is no ISO 8601 time"),
        (["loudness", "--source", "mic", "--speed", "2"], "no --start and no --speed"),
        (["loudness", "--source", "mic", "--devices", "2"], "only with --source room"),
        (["loudness", "--input", "USB"], "only with --source mic"),
        (["host-metrics", "--rate", "101"], "--rate: expected a number from 0.01 to 100"),
        (["host-metrics", "--disturb", "5"], "--disturb: expected AFTER,DURATION"),
        (["host-metrics", "--disturb", "50,20", "--seconds", "60"], "ends after the feed"),
        (["host-metrics", "--host", ""], "--host: the name is empty"),
        (["file", "gone.jsonl", "--topic", "t"], "no file 'gone.jsonl'"),
        (["file", "-", "--topic", "t", "--partition", "0", "--partition-by-hash"], "give one of the two"),
        (["file", "-", "--topic", "t", "--rate", "-1"], "--rate"),
        (["file", "-", "--topic", "t", "--partition", "-1"], "--partition"),
    ],
)
def test_wrong_use_is_said_in_one_line_before_anything_is_sent(sink: Sink, arguments: list[str], part: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, UsageError), result.exception
    assert result.exception.exit_code == 2
    assert part in str(result.exception) and "\n" not in str(result.exception)
    assert sink.records == [] and sink.topics == {}


def test_a_wav_file_that_is_too_short_or_too_coarse(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 100, 0, "NONE", ""))
        file.writeframes(b"\x80" * 4)
    assert "less than one block" in str(run("loudness", "--source", str(path)).exception)
    assert "100 samples a second" in str(run("loudness", "--source", str(path), "--rate", "200").exception)


def test_a_partition_the_topic_does_not_have(sink: Sink) -> None:
    sink.partition_counts["t"] = 2
    result = run("file", "-", "--topic", "t", "--partition", "4")
    assert isinstance(result.exception, UsageError)
    assert "topic 't' has the partitions 0 to 1, got 4" in str(result.exception)


def test_a_microphone_that_is_not_there_is_a_failure_not_wrong_use(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", None)
    result = run("loudness", "--source", "mic")
    assert isinstance(result.exception, CutbankError) and result.exception.exit_code == 1
    assert "--source room" in str(result.exception)
