from __future__ import annotations

import importlib
import itertools
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from feeds.microphone import SILENT_AFTER_S, microphone
from feeds.pacing import Stop
from jobs.errors import CutbankError

if TYPE_CHECKING:
    from conftest import Clock


class FakeSound(types.ModuleType):
    """As much of sounddevice as is used: a microphone at 8000 Hz, which delivers given blocks when opened."""

    class PortAudioError(Exception):
        pass

    def __init__(self, blocks: list[np.ndarray], *, missing: bool = False, broken: bool = False) -> None:
        super().__init__("sounddevice")
        self.blocks, self.missing, self.broken = blocks, missing, broken
        self.opened: dict[str, Any] = {}
        self.closed = False

    def query_devices(self, which: object, kind: str) -> dict[str, object]:
        assert kind == "input"
        if self.missing:
            raise self.PortAudioError("Error querying device -1")
        if which not in (None, 1, "USB"):
            raise ValueError(f"No input device matching {which!r}")
        return {"name": "USB microphone", "default_samplerate": 8000.0}

    def InputStream(self, **how: Any) -> FakeSound:
        if self.broken:
            raise self.PortAudioError("Device unavailable")
        self.opened = how
        return self

    def __enter__(self) -> FakeSound:
        for block in self.blocks:
            self.opened["callback"](block.astype(np.float32), len(block), None, None)
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


@pytest.fixture
def stop() -> Iterator[Stop]:
    made = Stop()
    yield made
    made.close()


def install(monkeypatch: pytest.MonkeyPatch, fake: FakeSound) -> FakeSound:
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_without_the_package_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, stop: Stop) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(CutbankError) as caught:
        next(microphone(rate=20.0, name=None, stop=stop))
    message = str(caught.value)
    assert "\n" not in message and caught.value.exit_code == 1
    for part in ("sounddevice", "pip install -e '.[mic]'", "--source room", "--source FILE.wav"):
        assert part in message


def test_without_portaudio(monkeypatch: pytest.MonkeyPatch, stop: Stop) -> None:
    def no_library(name: str) -> object:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(importlib, "import_module", no_library)
    with pytest.raises(CutbankError, match=r"PortAudio.*apt-get install libportaudio2.*--source room"):
        next(microphone(rate=20.0, name=None, stop=stop))


@pytest.mark.parametrize("name", [None, "Nobody"])
def test_without_a_microphone(monkeypatch: pytest.MonkeyPatch, stop: Stop, name: str | None) -> None:
    install(monkeypatch, FakeSound([], missing=name is None))
    with pytest.raises(CutbankError, match=r"no microphone.*found.*sounddevice.*--source room") as caught:
        next(microphone(rate=20.0, name=name, stop=stop))
    assert name is None or repr(name) in str(caught.value)


def test_a_microphone_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch, stop: Stop) -> None:
    install(monkeypatch, FakeSound([], broken=True))
    with pytest.raises(CutbankError, match=r"'USB microphone' cannot be opened \(Device unavailable\)"):
        next(microphone(rate=20.0, name=None, stop=stop))


@pytest.mark.parametrize(("name", "number"), [("1", 1), ("USB", "USB"), (None, None)])
def test_blocks_arrive_whole_and_in_order(
    monkeypatch: pytest.MonkeyPatch, stop: Stop, clock: Clock, name: str | None, number: object
) -> None:
    rng = np.random.default_rng(1)
    played = [rng.uniform(-1, 1, (400, 1)).astype(np.float32) for _ in range(5)]
    fake = install(monkeypatch, FakeSound(played))
    heard = microphone(rate=20.0, name=name, stop=stop, clock=clock)
    blocks = list(itertools.islice(heard, 5))
    assert fake.opened["blocksize"] == 400 and fake.opened["samplerate"] == 8000 and fake.opened["channels"] == 1
    assert fake.opened["device"] == number
    for block, samples in zip(blocks, played, strict=True):
        assert block.samples.dtype == np.float64
        assert block.samples.tolist() == samples[:, 0].astype(np.float64).tolist()
    assert [b.offset_s for b in blocks] == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])
    stop.request()
    assert list(heard) == [] and fake.closed


def test_offsets_count_from_the_given_origin_and_jump_over_what_was_lost(
    monkeypatch: pytest.MonkeyPatch, stop: Stop, clock: Clock
) -> None:
    fake = install(monkeypatch, FakeSound([np.zeros((400, 1))] * 3))
    heard = microphone(rate=20.0, name=None, stop=stop, clock=clock, origin_s=clock.now - 2.0)
    assert [b.offset_s for b in itertools.islice(heard, 3)] == pytest.approx([2.0, 2.05, 2.1])
    clock.now += 10.0
    fake.opened["callback"](np.zeros((400, 1), np.float32), 400, None, None)
    assert next(heard).offset_s == pytest.approx(11.95)


def test_blocks_nobody_takes_are_lost_and_said(monkeypatch: pytest.MonkeyPatch, stop: Stop, clock: Clock) -> None:
    install(monkeypatch, FakeSound([np.zeros((400, 1))] * 500))
    said: list[str] = []
    heard = microphone(rate=20.0, name=None, stop=stop, clock=clock, warn=said.append)
    assert len(list(itertools.islice(heard, 200))) == 200
    assert len(said) == 1 and "lost" in said[0]


def test_a_microphone_that_falls_silent_is_an_error(monkeypatch: pytest.MonkeyPatch, stop: Stop, clock: Clock) -> None:
    install(monkeypatch, FakeSound([np.zeros((400, 1))]))
    heard = microphone(rate=20.0, name=None, stop=stop, clock=clock)
    next(heard)
    clock.now += SILENT_AFTER_S + 1.0
    with pytest.raises(CutbankError, match="has delivered nothing for 5 s"):
        next(heard)
