"""Topics and their committed records, on the real broker: through our functions and through the commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.stack import kafka_admin
from jobs.stack.kafka_read import Record, reader
from jobs.stack.processes import wait_until


def numbers(records: list[Record]) -> list[int]:
    return [json.loads(record.value or b"{}")["i"] for record in records]


def environment(settings: Settings) -> dict[str, str]:
    """What makes the commands use the shared stack."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CUTBANK_")}
    fields = ("state_dir", "kafka_port", "controller_port", "flink_port", "jobmanager_port")
    return plain | {f"CUTBANK_{field.upper()}": str(getattr(settings, field)) for field in fields}


@pytest.fixture
def cutbank(settings: Settings) -> Callable[..., Any]:
    """``cutbank("topics", "--json")`` runs the command; returns the finished process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "jobs.cli", *arguments],
            env=environment(settings),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=120,
            check=False,
        )

    return run


def test_topics_are_created_once_counted_and_deleted(settings: Settings, produce: Callable[..., None]) -> None:
    name = f"counted-{uuid.uuid4().hex[:8]}"
    assert kafka_admin.create_topics(settings, {name: 3}) == [name]
    assert kafka_admin.create_topics(settings, {name: 5}) == []

    produce(name, [{"i": i} for i in range(7)], partition=2)
    produce(name, [{"i": 7}], partition=0)

    (found,) = [topic for topic in kafka_admin.list_topics(settings) if topic.name == name]
    assert (found.partitions, found.records) == (3, 8)
    assert kafka_admin.end_offsets(settings, name) == {0: 1, 1: 0, 2: 7}
    assert not any(topic.name.startswith("__") for topic in kafka_admin.list_topics(settings))
    assert kafka_admin.delete_topics(settings, [name, "never-there"]) == [name]
    assert wait_until(lambda: name not in [topic.name for topic in kafka_admin.list_topics(settings)], 20)
    with pytest.raises(UsageError, match=f"there is no topic '{name}'"):
        kafka_admin.end_offsets(settings, name)


def test_only_committed_records_are_read(settings: Settings, new_topic: Callable[..., str]) -> None:
    """Aborted records and marks between the committed ones, an open transaction behind them."""
    topic = new_topic("transactions", partitions=1)
    producer = KafkaProducer(**settings.kafka_client(), transactional_id=topic, acks="all")
    producer.init_transactions()

    def transaction(number: int, end: Callable[[], None]) -> None:
        producer.begin_transaction()
        producer.send(topic, json.dumps({"i": number}).encode(), timestamp_ms=1_700_000_000_000 + number)
        producer.flush()
        end()

    try:
        transaction(1, producer.commit_transaction)
        for number in range(100, 130):
            transaction(number, producer.abort_transaction)
        transaction(2, producer.commit_transaction)
        for number in range(130, 160):
            transaction(number, producer.abort_transaction)
        transaction(3, lambda: None)  # stays open

        with reader(settings, topic) as records:
            assert numbers(list(records.all(timeout_s=20))) == [1, 2]
            # only reading backwards past sixty aborted ones finds them
            assert numbers(records.last(1)) == [2]
            assert numbers(records.last(5)) == [1, 2]
            assert records.last(0) == []
        producer.commit_transaction()
        with reader(settings, topic) as records:
            assert numbers(list(records.all(timeout_s=20))) == [1, 2, 3]
    finally:
        producer.close()


def test_last_goes_by_time_over_partitions(settings: Settings, new_topic: Callable[..., str]) -> None:
    topic = new_topic("times", partitions=3)
    producer = KafkaProducer(**settings.kafka_client())
    for i in range(30):
        producer.send(topic, json.dumps({"i": i}).encode(), partition=i % 3, timestamp_ms=1_600_000_000_000 + i)
    # one partition holds only old records, long before and long after today
    producer.send(topic, b'{"i": -1}', partition=0, timestamp_ms=0)
    producer.send(topic, b'{"i": 99}', partition=1, timestamp_ms=4_000_000_000_000)
    producer.flush()
    producer.close()

    with reader(settings, topic) as records:
        assert numbers(records.last(4)) == [27, 28, 29, 99]
        assert sorted(numbers(list(records.all()))) == [-1, *range(30), 99]


def test_commands_on_topics(cutbank: Callable[..., Any], produce: Callable[..., None]) -> None:
    name = f"commands-{uuid.uuid4().hex[:8]}"
    made = cutbank("topics", "create", name, "--partitions", "1", "--json")
    assert (made.returncode, made.stderr) == (0, "")
    assert json.loads(made.stdout) == {"created": [name], "existing": [], "partitions": 1}
    assert f"{name} exists already" in cutbank("topics", "create", name).stdout

    produce(name, [{"i": i, "text": "grün"} for i in range(12)])
    produce(name, [b"\xff", None], key=b"k")

    listed = json.loads(cutbank("topics", "--json").stdout)["topics"]
    assert {"name": name, "partitions": 1, "records": 14} in listed
    assert f"{name} " in cutbank("topics").stdout

    lines = cutbank("tail", name, "--from-beginning").stdout.encode("utf-8", "surrogateescape").split(b"\n")
    assert [json.loads(line)["i"] for line in lines[:12]] == list(range(12)), "a pipe gets the values as they are"

    shown = json.loads(cutbank("tail", name, "--last", "3", "--json").stdout)
    assert shown["topic"] == name and [record["offset"] for record in shown["records"]] == [11, 12, 13]
    assert [record["value"] for record in shown["records"]] == [{"i": 11, "text": "grün"}, {"base64": "/w=="}, None]
    assert [record["key"] for record in shown["records"]] == [None, "k", "k"]

    missing = cutbank("tail", "no-such-topic")
    assert missing.returncode == 2 and "there is no topic 'no-such-topic'; topics: " in missing.stderr


def test_follow_shows_what_comes_until_ctrl_c(
    settings: Settings, new_topic: Callable[..., str], produce: Callable[..., None], tmp_path: Path
) -> None:
    topic = new_topic("followed", partitions=1)
    produce(topic, [{"i": 0}])
    seen = tmp_path / "seen"
    with seen.open("w") as output:
        following = subprocess.Popen(
            [sys.executable, "-m", "jobs.cli", "tail", topic, "--follow", "--json"],
            env=environment(settings),
            stdout=output,
            stderr=subprocess.PIPE,
        )

    def shown() -> list[int]:
        return [json.loads(line)["value"]["i"] for line in seen.read_text().splitlines()]

    try:
        assert wait_until(lambda: shown() == [0], 30)
        produce(topic, [{"i": 1}, {"i": 2}])
        assert wait_until(lambda: shown() == [0, 1, 2], 30)
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=20)
        assert (following.returncode, err) == (0, b"")
    finally:
        following.kill()
        following.wait()


def test_status_and_doctor_on_a_running_stack(cutbank: Callable[..., Any], settings: Settings) -> None:
    status = json.loads(cutbank("status", "--json").stdout)
    assert status["ready"] is True and status["dashboard"] == settings.flink_url
    assert [part["state"] for part in status["components"]] == ["running"] * 3
    assert all(part["memory_bytes"] > 50_000_000 for part in status["components"])

    checks = {check["name"]: check for check in json.loads(cutbank("doctor", "--json").stdout)["checks"]}
    assert checks["stack"]["detail"] == "running: broker, jobmanager, taskmanager"
    assert checks["ports"]["state"] == "ok" and checks["ports"]["detail"].endswith(" ours")
    assert checks["jars"]["state"] == checks["java"]["state"] == "ok"

    again = cutbank("up", "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["ready"] is True
