"""A broker and a cluster of the tests' own: free ports, a temporary state folder, taken down at the end by id."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from jobs.errors import StackError
from jobs.settings import Settings, load_settings
from jobs.stack import Stack, kafka_admin
from jobs.stack.kafka_read import Record, reader
from jobs.stack.processes import wait_until

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a cluster test."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


#: The shared stack, once it is up.
_SHARED: list[Stack] = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Behind the last of these tests the stack goes, so that those of other folders have the machine to themselves."""
    if nextitem is None or HERE not in nextitem.path.parents:
        while _SHARED:
            _SHARED.pop().down()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def own_settings(folder: Path, **more: object) -> Settings:
    """Settings of a stack that meets no other one; the caller's environment plays no part."""
    kafka, controller, flink, jobmanager = free_ports(4)
    return load_settings(
        environ={},
        overrides={
            "state_dir": folder,
            "kafka_port": kafka,
            "controller_port": controller,
            "flink_port": flink,
            "jobmanager_port": jobmanager,
            "checkpoint_interval_ms": 1_000,
            **more,
        },
    )


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Settings]:
    """Settings for one more stack, with ports and a folder of its own."""
    return lambda **more: own_settings(tmp_path_factory.mktemp("stack"), **more)


@pytest.fixture(scope="session")
def stack(make_settings: Callable[..., Settings]) -> Iterator[Stack]:
    """The broker and cluster all tests of this folder share."""
    for attempt in range(3):
        shared = Stack(make_settings())
        try:
            shared.up()
            _SHARED.append(shared)
            break
        except StackError as error:
            # somebody took one of the ports between our asking and our binding
            if "is held by" not in str(error) or attempt == 2:
                raise
    try:
        yield shared
    finally:
        shared.down()


@pytest.fixture(autouse=True)
def _alone(stack: Stack) -> Iterator[None]:
    """A test that broke the stack, or failed before it stopped its jobs, does not break the next one."""
    if not stack.status().ready:
        stack.up()
    before = {job.id for job in stack.rest.live_jobs()}
    yield
    if stack.status().ready:
        for job in stack.rest.live_jobs():
            if job.id not in before:
                stack.rest.cancel(job.id)
                stack.rest.wait_for_end(job.id)


@pytest.fixture(scope="session")
def settings(stack: Stack) -> Settings:
    """Settings of the shared stack."""
    return stack.settings


@pytest.fixture(scope="session")
def new_topic(settings: Settings) -> Callable[..., str]:
    """``new_topic("loudness", partitions=2)`` makes a topic nobody else uses and returns its name."""

    def make(prefix: str = "topic", *, partitions: int = 2) -> str:
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        assert kafka_admin.create_topics(settings, {name: partitions}) == [name]
        return name

    return make


@pytest.fixture(scope="session")
def produce(settings: Settings) -> Iterator[Callable[..., None]]:
    """``produce(topic, values, key=..., partition=..., timestamp_ms=...)`` writes and waits until the broker has them.

    A value is bytes, None (a tombstone) or anything JSON can hold; ``key`` is bytes, None or a function of the value;
    ``timestamp_ms`` is a function of the value, too, or None: now.
    """
    producer = KafkaProducer(**settings.kafka_client(), acks="all", linger_ms=5, max_request_size=8_000_000)

    def write(
        topic: str, values: Sequence[Any], *, key: Any = None, partition: int | None = None, timestamp_ms: Any = None
    ) -> None:
        sent = []
        for value in values:
            data = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
            at = timestamp_ms(value) if timestamp_ms is not None else None
            key_of = key(value) if callable(key) else key
            sent.append(producer.send(topic, data, key=key_of, partition=partition, timestamp_ms=at))
        producer.flush()
        for future in sent:
            future.get(timeout=30)

    try:
        yield write
    finally:
        producer.close()


@pytest.fixture(scope="session")
def read_committed(settings: Settings) -> Callable[..., list[Record]]:
    """``read_committed(topic, at_least=n)`` waits until so many records are committed, then returns all of them.

    When they do not come in time it returns what there is: the test's own comparison then says what is missing.
    """

    def read(topic: str, *, at_least: int = 0, timeout_s: float = 60.0) -> list[Record]:
        found: list[Record] = []
        read_to: dict[int, int] = {}

        def enough() -> bool:
            first, end = records.bounds()
            found.extend(records.read(read_to or first, end, timeout_s=max(60.0, timeout_s)))
            read_to.update(end)
            return len(found) >= at_least

        with reader(settings, topic) as records:
            wait_until(enough, timeout_s)
        return found

    return read


@pytest.fixture
def flink_run(stack: Stack) -> Iterator[Callable[..., str]]:
    """``flink_run("-py", file, arguments...)`` submits through Flink's own command line; returns the job's id.

    What still runs at the end of the test is cancelled.
    """
    started: list[str] = []

    def submit(*arguments: str) -> str:
        done = subprocess.run(
            [str(stack.flink_executable), "run", "-d", *arguments],
            env=stack.flink_env(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        match = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
        assert done.returncode == 0 and match, f"flink run failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        started.append(match[1])
        return match[1]

    yield submit
    for job_id in started:
        if stack.rest.job(job_id).is_live:
            stack.rest.cancel(job_id)
            stack.rest.wait_for_end(job_id)
