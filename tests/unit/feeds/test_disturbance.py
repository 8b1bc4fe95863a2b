from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from feeds import burn
from feeds.disturbance import Burst, Disturbance, burst, parse_disturb
from jobs.errors import UsageError

ROOT = Path(__file__).resolve().parents[3]
SMALL = 16 * 1024 * 1024


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Burst]:
    with Burst(60.0, max_bytes=SMALL, folder=tmp_path) as made:
        yield made


def test_a_burst_works_ends_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    begun_ms, ended_ms = burst(1.2, max_bytes=SMALL, folder=tmp_path)
    took = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert 1.2 <= took < 10.0
    assert 1200 <= ended_ms - begun_ms <= took * 1000 + 5
    assert after.ru_utime - before.ru_utime > 0.2
    # blocks of 512 bytes; none where the folder is kept in memory
    assert after.ru_oublock - before.ru_oublock <= 2 * SMALL // 512
    assert list(tmp_path.iterdir()) == []
    assert not _burning()


def test_one_process_a_core_and_one_for_the_disk(running: Burst, tmp_path: Path) -> None:
    assert len(running.children) == (os.cpu_count() or 1) + 1

    def lines() -> list[list[str]]:
        return [psutil.Process(child.pid).cmdline() for child in running.children]

    # a process has its parent's arguments until its own program has been loaded
    eventually(lambda: all("cpu" in line or "disk" in line for line in lines()))
    assert sum("cpu" in line for line in lines()) == os.cpu_count()
    assert sum("disk" in line and str(tmp_path) in line for line in lines()) == 1
    assert running.running and not running.failed


def test_ending_early_ends_every_child(running: Burst, tmp_path: Path) -> None:
    pids = [child.pid for child in running.children]
    running.end()
    running.end()
    assert not running.running and running.failed
    assert all(gone(pid) for pid in pids)
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_outlives_its_time_is_ended(running: Burst, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_deadline", time.monotonic() - 1.0)
    assert not running.running
    assert all(gone(child.pid) for child in running.children)


PARENT = """
import sys
from pathlib import Path
from feeds import disturbance
made = disturbance.Burst.__init__
def told(self, *args, **how):
    made(self, *args, **how)
    print(*(child.pid for child in self.children), flush=True)
disturbance.Burst.__init__ = told
disturbance.burst(60.0, max_bytes=16777216, folder=Path(sys.argv[1]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_children_end_with_a_parent_that_is_interrupted_or_killed(tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == (os.cpu_count() or 1) + 1
        parent.send_signal(number)
        parent.wait(20.0)
        eventually(lambda: all(gone(pid) for pid in pids))
        assert list(tmp_path.iterdir()) == []
    finally:
        parent.kill()
        parent.wait()


def test_the_disk_child_keeps_to_its_bytes_and_its_file_has_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    synced = os.fsync

    def watched(file: int) -> None:
        synced(file)
        sizes.append(os.fstat(file).st_size)
        assert list(tmp_path.iterdir()) == []

    monkeypatch.setattr(os, "fsync", watched)
    monkeypatch.setattr(burn, "FILE_BYTES", 2 * burn.CHUNK_BYTES)
    assert burn.burn_disk(60.0, os.getppid(), str(tmp_path), 5 * burn.CHUNK_BYTES + 1) == 5 * burn.CHUNK_BYTES
    assert len(sizes) == 5 and max(sizes) == 2 * burn.CHUNK_BYTES


def test_orphans_stop_at_once(tmp_path: Path) -> None:
    start = time.monotonic()
    burn.burn_cpu(60.0, parent=0)
    assert burn.burn_disk(60.0, 0, str(tmp_path), 1 << 30) == 0
    assert time.monotonic() - start < 10.0


def test_a_disturbance_tells_its_beginning_and_its_end_once(tmp_path: Path) -> None:
    made = Disturbance(2.0, 0.3, folder=tmp_path)
    assert made.step(0.0) == [] and made.step(1.99) == []
    before_ms = time.time_ns() // 1_000_000
    ((begun_ms, kind),) = made.step(2.0)
    assert kind == "burst_start" and before_ms <= begun_ms <= time.time_ns() // 1_000_000
    told: list[tuple[int, str]] = []

    def ended() -> bool:
        told.extend(made.step(2.1))
        return bool(told)

    eventually(ended)
    ((ended_ms, kind),) = told
    assert kind == "burst_end" and ended_ms - begun_ms >= 300
    assert made.step(9.0) == [] and made.end() == [] and not made.failed


def test_a_disturbance_that_is_cut_short_tells_its_end(tmp_path: Path) -> None:
    made = Disturbance(0.0, 60.0, folder=tmp_path)
    assert made.end() == []
    assert [kind for _, kind in made.step(0.0)] == ["burst_start"]
    assert [kind for _, kind in made.end()] == ["burst_end"]
    assert made.end() == [] and made.step(1.0) == [] and made.failed


def test_a_folder_that_is_not_there_is_noticed(tmp_path: Path) -> None:
    made = Disturbance(0.0, 0.2, folder=tmp_path / "gone")
    made.step(0.0)
    eventually(lambda: bool(made.step(1.0)))
    assert made.failed


@pytest.mark.parametrize("seconds", [0.0, -1.0, 61.0, float("nan"), float("inf")])
def test_a_burst_is_bounded(seconds: float) -> None:
    with pytest.raises(UsageError, match="above 0 and at most 60 seconds"):
        Burst(seconds)


def test_disturb_option() -> None:
    made = parse_disturb("45,5.5")
    assert (made.after_s, made.seconds) == (45.0, 5.5)


@pytest.mark.parametrize("text", ["", "5", "a,b", "1,2,3", "-1,5", "5,0", "5,61", "nan,5", "5,nan", "inf,5"])
def test_disturb_option_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--disturb: .*got"):
        parse_disturb(text)


def _burning() -> list[psutil.Process]:
    """Children that still burn; one that has ended and waits to be collected has no command line any more."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "burn.py" in " ".join(child.cmdline()):
                found.append(child)
    return found
