"""Sound from a microphone, by python-sounddevice (the optional extra ``mic``)."""

from __future__ import annotations

import importlib
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from feeds.blocks import Block, Samples
from feeds.pacing import Stop
from jobs.errors import CutbankError

ALTERNATIVES = "or use --source room (a synthetic room) or --source FILE.wav"
SILENT_AFTER_S = 5.0
"""A microphone that has delivered nothing for so long is gone."""

_QUEUED_BLOCKS = 200
_RESYNC_S = 0.2


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError:
        raise CutbankError(
            "--source mic needs the package sounddevice: in the project's folder, "
            f"pip install -e '.[mic]', {ALTERNATIVES}"
        ) from None
    except OSError as error:
        raise CutbankError(
            f"--source mic needs the PortAudio library ({error}): install it (Debian, Ubuntu: "
            f"apt-get install libportaudio2), {ALTERNATIVES}"
        ) from None


def microphone(
    *,
    rate: float,
    name: str | None,
    stop: Stop,
    origin_s: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    warn: Callable[[str], None] = lambda message: None,
) -> Iterator[Block]:
    """Blocks from a microphone, until `stop` is asked for.

    Parameters
    ----------
    rate
        Blocks a second, > 0.
    name
        Part of the microphone's name or its number; None: the system's default.
    stop
        Ends the recording.
    origin_s
        What counts as offset 0, on the clock; None: the moment the recording begins.
    clock
        Monotonic seconds.
    warn
        Told, once, when blocks get lost because nobody takes them.

    Yields
    ------
    Block
        Offsets are counted by samples, and set right by the clock when blocks got lost.

    Raises
    ------
    CutbankError
        No sounddevice, no PortAudio, no such microphone, it cannot be opened, or it falls silent.
    """
    sound = _sounddevice()
    which: str | int | None = int(name) if name is not None and name.isdecimal() else name
    try:
        info = sound.query_devices(which, "input")
    except (ValueError, sound.PortAudioError) as error:
        wanted = "no microphone was found" if name is None else f"no microphone {name!r} was found"
        raise CutbankError(
            f"--source mic: {wanted} ({error}); list what there is with 'python -m sounddevice', {ALTERNATIVES}"
        ) from None
    sample_rate = round(float(info["default_samplerate"]))
    per_block = max(1, round(sample_rate / rate))
    length_s = per_block / sample_rate
    heard: queue.Queue[Samples] = queue.Queue(_QUEUED_BLOCKS)
    lost = False

    def take(indata: Any, frames: int, times: object, status: object) -> None:
        nonlocal lost
        try:
            heard.put_nowait(np.asarray(indata, np.float64)[:, 0].copy())
        except queue.Full:
            lost = True

    try:
        stream = sound.InputStream(
            device=which,
            channels=1,
            samplerate=sample_rate,
            blocksize=per_block,
            dtype="float32",
            callback=take,
        )
        with stream:
            last = clock()
            start = last if origin_s is None else origin_s
            offset_s = last - start
            while not stop.requested:
                try:
                    samples = heard.get(timeout=0.2)
                except queue.Empty:
                    if clock() - last > SILENT_AFTER_S:
                        raise CutbankError(
                            f"--source mic: {info['name']!r} has delivered nothing for {SILENT_AFTER_S:g} s; "
                            f"is it unplugged or taken by another program? Try again, {ALTERNATIVES}"
                        ) from None
                    continue
                last = clock()
                if lost:
                    warn("blocks of the microphone were lost: Kafka does not take them quickly enough")
                    lost = False
                began = last - start - length_s * (1 + heard.qsize())
                if began - offset_s > _RESYNC_S:
                    offset_s = began
                yield Block(offset_s, length_s, samples)
                offset_s += length_s
    except sound.PortAudioError as error:
        raise CutbankError(f"--source mic: {info['name']!r} cannot be opened ({error}): {ALTERNATIVES[3:]}") from None
