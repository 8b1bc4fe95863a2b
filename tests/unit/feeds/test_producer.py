from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from kafka.partitioner.default import DefaultPartitioner

from feeds import producer as module
from feeds.pacing import Stop
from feeds.producer import KeyPartitioner, Producer, ensure_topics
from feeds.records import Outgoing
from jobs.errors import CutbankError
from jobs.settings import Settings, load_settings


class Future:
    """As kafka-python's: callbacks run in whatever thread settles it."""

    def __init__(self) -> None:
        self.done: list[Callable[[Any], None]] = []
        self.failed: list[Callable[[Any], None]] = []

    def add_callback(self, call: Callable[[Any], None]) -> None:
        self.done.append(call)

    def add_errback(self, call: Callable[[Any], None]) -> None:
        self.failed.append(call)

    def settle(self, error: Exception | None = None) -> None:
        for call in self.failed if error else self.done:
            call(error)


class Client:
    """A KafkaProducer that confirms nothing by itself."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.futures: list[Future] = []
        self.refuse: Exception | None = None
        self.confirm_on_flush = True
        self.closed: list[float] = []

    def send(self, topic: str, **how: Any) -> Future:
        if self.refuse is not None:
            raise self.refuse
        self.sent.append({"topic": topic, **how})
        self.futures.append(Future())
        return self.futures[-1]

    def flush(self, timeout: float) -> None:
        if not self.confirm_on_flush:
            raise KafkaTimeoutError("Timeout waiting for flush")
        self.confirm()

    def confirm(self) -> None:
        for future in self.futures:
            future.settle()
        self.futures.clear()

    def close(self, timeout: float) -> None:
        self.closed.append(timeout)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def settings() -> Settings:
    return load_settings(environ={"CUTBANK_BOOTSTRAP_SERVERS": "broker:9092"})


RECORD = Outgoing("loudness", b"room", b"0123456789")


def test_records_go_as_they_are_and_leaving_flushes(client: Client, settings: Settings) -> None:
    with Producer(settings, client=client) as producer:
        producer.send(RECORD)
        producer.send(Outgoing("t", None, b"", partition=3))
        assert (producer.acknowledged, producer.pending) == (0, 2)
    assert client.sent == [
        {"topic": "loudness", "key": b"room", "value": b"0123456789", "partition": None},
        {"topic": "t", "key": None, "value": b"", "partition": 3},
    ]
    assert (producer.acknowledged, producer.pending) == (2, 0)
    assert len(client.closed) == 1


def test_what_the_broker_did_not_take_comes_out_at_the_next_send(client: Client, settings: Settings) -> None:
    producer = Producer(settings, client=client)
    producer.send(RECORD)
    client.futures[0].settle(MessageSizeTooLargeError("too large"))
    with pytest.raises(CutbankError) as caught:
        producer.send(RECORD)
    message = str(caught.value)
    for part in ("broker:9092", "10 bytes", "'loudness'", "MessageSizeTooLargeError: too large", "message.max.bytes"):
        assert part in message
    assert "\n" not in message and caught.value.exit_code == 1
    assert len(client.sent) == 1
    with pytest.raises(CutbankError, match="too large"):
        producer.flush()


def test_what_the_client_refuses_comes_out_at_once(client: Client, settings: Settings) -> None:
    producer = Producer(settings, client=client)
    client.refuse = KafkaTimeoutError("no metadata")
    with pytest.raises(CutbankError, match=r"KafkaTimeoutError: no metadata.*cutbank up"):
        producer.send(RECORD)
    assert producer.pending == 0


def test_a_flush_that_comes_to_no_end_says_how_many_are_missing(client: Client, settings: Settings) -> None:
    client.confirm_on_flush = False
    producer = Producer(settings, client=client)
    producer.send(RECORD)
    producer.send(RECORD)
    with pytest.raises(CutbankError, match=r"has not confirmed 2 records within 0\.05 s"):
        producer.flush(0.05)


def test_an_error_on_the_way_closes_without_waiting(client: Client, settings: Settings) -> None:
    with pytest.raises(RuntimeError, match="mine"), Producer(settings, client=client):
        raise RuntimeError("mine")
    assert client.closed == [0.0]


@pytest.mark.parametrize(("bound", "value"), [("MAX_PENDING_RECORDS", 3), ("MAX_PENDING_BYTES", 42)])
def test_the_buffer_is_bounded(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(module, bound, value)
    producer = Producer(settings, client=client)
    for _ in range(3):
        assert producer.send(RECORD)  # 14 bytes each
    through = threading.Event()

    def fourth() -> None:
        producer.send(RECORD)
        through.set()

    waiting = threading.Thread(target=fourth)
    waiting.start()
    assert not through.wait(0.3) and len(client.sent) == 3
    client.confirm()
    assert through.wait(10.0) and len(client.sent) == 4
    waiting.join()


def test_one_record_larger_than_the_buffer_still_goes(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING_BYTES", 5)
    assert Producer(settings, client=client).send(RECORD)


def test_a_request_to_stop_ends_the_wait_for_room(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING_RECORDS", 1)
    stop = Stop()
    producer = Producer(settings, stop=stop, client=client)
    assert producer.send(RECORD)
    threading.Timer(0.1, stop.request).start()
    start = time.monotonic()
    assert not producer.send(RECORD)
    assert time.monotonic() - start < 10.0 and len(client.sent) == 1
    stop.close()


def test_no_broker_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.5)
    with socket.socket() as taken:  # bound and not listening: nobody answers, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        nowhere = load_settings(environ={"CUTBANK_BOOTSTRAP_SERVERS": address})
        for attempt in (lambda: Producer(nowhere), lambda: ensure_topics(nowhere, {"t": 1})):
            with pytest.raises(CutbankError) as caught:
                attempt()
            message = str(caught.value)
            assert f"no Kafka broker answers at {address}" in message and "cutbank up" in message
            assert "\n" not in message and caught.value.exit_code == 1


class Cluster:
    """What a partitioner asks."""

    def topics(self) -> set[str]:
        return {"market"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {3, 0, 2, 1, 4}

    available_partitions_for_topic = partitions_for_topic


@pytest.mark.parametrize("key", [b"", b"a", b"ab", b"abc", b"binance-usdm|BTCUSDT", "börse".encode(), b"\xff" * 33])
def test_partitions_are_those_of_kafka_s_own_client(key: bytes) -> None:
    for _ in range(2):  # computed, and remembered
        ours = KeyPartitioner().partition("market", key, key, None, None, Cluster())
        assert ours == DefaultPartitioner().partition("market", key, key, None, None, Cluster())
    assert KeyPartitioner().partition("market", None, None, None, None, Cluster()) in range(5)
