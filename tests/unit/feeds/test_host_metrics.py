from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from feeds import host_metrics as metrics
from feeds.disturbance import Disturbance
from feeds.host_metrics import COLUMNS, Rates, Reading, host_metrics, read_counters
from feeds.pacing import Pacer

if TYPE_CHECKING:
    from conftest import Clock

ZERO = Reading(100.0, 50.0, 200.0, 0.5, 40.0, 1000, 2000, 3000, 4000, 5000)


def later(seconds: float, **changes: Any) -> Reading:
    return replace(ZERO, at_s=100.0 + seconds, **changes)


def test_the_first_sample_gives_no_record() -> None:
    assert Rates().take(ZERO) is None


def test_rates_are_differences_over_the_time_that_really_passed() -> None:
    rates = Rates()
    rates.take(ZERO)
    record = rates.take(
        Reading(100.125, 50.05, 200.25, 0.5678, 41.23456, 1000, 2000 + 4096, 3000 + 10, 4000 + 100, 5000 + 1)
    )
    assert record == {
        "cpu_percent": 20.0,
        "load_1m": 0.568,
        "memory_percent": 41.235,
        "disk_read_bytes": 0.0,
        "disk_write_bytes": 32768.0,
        "net_sent_bytes": 80.0,
        "net_received_bytes": 800.0,
        "context_switches": 8.0,
    }
    assert tuple(record) == COLUMNS
    assert all(isinstance(value, float) for value in record.values())


def test_counters_are_of_the_last_interval_and_cpu_of_the_last_half_second() -> None:
    """One busy tenth, two cores: seen for five samples, a fifth each; bytes for one sample."""
    rates = Rates()
    cpu, disk = [], []
    for n in range(16):
        busy = 50.0 + (0.2 if n >= 4 else 0.0)
        reading = later(n / 10, cpu_busy_s=busy, cpu_total_s=200.0 + 0.2 * n, disk_write_bytes=500 * (n >= 4))
        record = rates.take(reading if n else replace(reading, disk_write_bytes=0))
        if record is not None:
            cpu.append(record["cpu_percent"])
            disk.append(record["disk_write_bytes"])
    # before half a second is full, the share of what there is
    assert cpu == [0.0, 0.0, 0.0, 25.0, 20.0, 20.0, 20.0, 20.0] + [0.0] * 7
    assert disk == [0.0, 0.0, 0.0, 5000.0] + [0.0] * 11


def test_a_long_interval_is_not_taken_for_a_burst() -> None:
    rates = Rates()
    rates.take(ZERO)
    record = rates.take(later(4.0, context_switches=5000 + 400, cpu_busy_s=54.0, cpu_total_s=208.0))
    assert record is not None
    assert (record["context_switches"], record["cpu_percent"]) == (100.0, 50.0)


def test_no_time_no_record() -> None:
    rates = Rates()
    rates.take(ZERO)
    assert rates.take(later(0.0, disk_read_bytes=9999)) is None
    record = rates.take(later(1.0, disk_read_bytes=1500))
    assert record is not None and record["disk_read_bytes"] == 500.0


def test_a_counter_that_goes_backwards_is_zero_and_said_once() -> None:
    said: list[str] = []
    rates = Rates(said.append)
    rates.take(ZERO)
    for n in range(1, 4):
        record = rates.take(later(n, net_sent_bytes=1000 - n, cpu_busy_s=50.0 - n, cpu_total_s=200.0 + n))
        assert record is not None and record["net_sent_bytes"] == 0.0 and record["cpu_percent"] == 0.0
    assert len(said) == 1 and "net_sent_bytes" in said[0] and "999" in said[0]


def test_missing_counters_are_zero_and_said_once() -> None:
    said: list[str] = []
    rates = Rates(said.append)
    bare = Reading(1.0, None, None, None, None, None, None, None, None, None)
    rates.take(bare)
    for n in range(3):
        assert rates.take(replace(bare, at_s=2.0 + n)) == dict.fromkeys(COLUMNS, 0.0)
    assert said == [f"this system has no counter for {', '.join(COLUMNS)}: 0 instead"]
    said.clear()
    some = Rates(said.append)
    some.take(replace(ZERO, disk_read_bytes=None, disk_write_bytes=None))
    some.take(later(1.0, disk_read_bytes=None, disk_write_bytes=None))
    assert said == ["this system has no counter for disk_read_bytes, disk_write_bytes: 0 instead"]


def test_this_machine_can_be_read() -> None:
    before, after = read_counters(), read_counters()
    assert after.at_s >= before.at_s
    assert 0.0 <= (after.memory_percent or 0.0) <= 100.0
    assert after.cpu_total_s is not None and after.cpu_busy_s is not None
    assert 0.0 < after.cpu_busy_s <= after.cpu_total_s
    assert after.cpu_total_s == pytest.approx(sum(psutil.cpu_times()), rel=0.2)


def test_a_system_without_a_counter_reads_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> object:
        raise PermissionError("not for you")

    monkeypatch.setattr(psutil, "disk_io_counters", lambda: None)
    monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: {})
    monkeypatch.setattr(psutil, "cpu_stats", refused)
    monkeypatch.delattr(psutil, "getloadavg")
    reading = read_counters()
    assert reading.load_1m is None and reading.disk_read_bytes is None and reading.disk_write_bytes is None
    assert reading.net_sent_bytes is None and reading.net_received_bytes is None
    assert reading.context_switches is None and reading.memory_percent is not None


def test_traffic_of_the_machine_with_itself_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    card = type(psutil.net_io_counters())
    cards = {
        "lo": card(1000, 1000, 0, 0, 0, 0, 0, 0),
        "lo0": card(1000, 1000, 0, 0, 0, 0, 0, 0),
        "Loopback Pseudo-Interface 1": card(500, 500, 0, 0, 0, 0, 0, 0),
        "eth0": card(3, 40, 0, 0, 0, 0, 0, 0),
        "longhaul0": card(5, 60, 0, 0, 0, 0, 0, 0),
    }
    monkeypatch.setattr(psutil, "net_io_counters", lambda pernic: cards)
    reading = read_counters()
    assert (reading.net_sent_bytes, reading.net_received_bytes) == (8, 100)


def feed(clock: Clock, **how: Any) -> Iterator[Any]:
    """The feed over a machine whose counters advance evenly, on the fake clock."""

    def read() -> Reading:
        t = clock.now - 1000.0
        return replace(
            ZERO,
            at_s=t,
            cpu_busy_s=t,
            cpu_total_s=2 * t + 9,
            disk_write_bytes=round(1000 * t),
            context_switches=0,
        )

    wall_ms = lambda: round((clock.now - 1000.0) * 1000) + 1_767_225_600_000  # noqa: E731
    return host_metrics("vm", pacer=Pacer(clock.wait, clock), read=read, wall_ms=wall_ms, **how)


def test_ten_records_a_second_with_exactly_these_columns(clock: Clock) -> None:
    sent = list(feed(clock, seconds=2.0))
    assert len(sent) == 19  # the first of 20 samples has nothing to be compared with
    assert all(r.topic == "host-metrics" and r.key == b"vm" and r.due_s is None for r in sent)
    assert sent[0].value == (
        b'{"host":"vm","event_time":"2026-01-01T00:00:00.100Z","cpu_percent":50.0,"load_1m":0.5,'
        b'"memory_percent":40.0,"disk_read_bytes":0.0,"disk_write_bytes":1000.0,"net_sent_bytes":0.0,'
        b'"net_received_bytes":0.0,"context_switches":0.0}'
    )
    times = [json.loads(r.value)["event_time"] for r in sent]
    assert times[-1] == "2026-01-01T00:00:01.900Z" and len(set(times)) == 19
    assert clock.now == pytest.approx(1002.0)


def test_it_ends_when_asked(clock: Clock) -> None:
    clock.stop_at = 1000.55
    assert len(list(feed(clock))) == 5


class Scripted(Disturbance):
    """A disturbance that only says what it would do."""

    def __init__(self) -> None:
        super().__init__(0.5, 1.0)
        self.steps: list[float] = []

    def step(self, elapsed_s: float) -> list[tuple[int, str]]:
        self.steps.append(elapsed_s)
        return {5: [(1_000, "burst_start")], 8: [(2_500, "burst_end")]}.get(len(self.steps) - 1, [])

    @property
    def failed(self) -> bool:
        return len(self.steps) > 8


def test_the_disturbance_is_told_to_the_truth_topic(clock: Clock) -> None:
    said: list[str] = []
    sent = list(feed(clock, seconds=1.0, disturbance=Scripted(), warn=said.append))
    truth = [r for r in sent if r.truth]
    assert [r.value for r in truth] == [
        b'{"host":"vm","event_time":"1970-01-01T00:00:01.000Z","kind":"burst_start"}',
        b'{"host":"vm","event_time":"1970-01-01T00:00:02.500Z","kind":"burst_end"}',
    ]
    assert {(r.topic, r.key) for r in truth} == {("host-metrics-truth", b"vm")}
    assert len(sent) - len(truth) == 9
    assert len(said) == 1 and "disk full" in said[0]


def test_names_agreed_with_the_pipelines() -> None:
    assert metrics.TOPIC == "host-metrics"
    assert COLUMNS == (
        "cpu_percent", "load_1m", "memory_percent", "disk_read_bytes", "disk_write_bytes", "net_sent_bytes",
        "net_received_bytes", "context_switches",
    )  # fmt: skip
