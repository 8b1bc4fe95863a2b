"""Sound from a WAV file: PCM of 8, 16, 24 and 32 bits, float of 32 and 64 bits, any number of channels.

Own reader, because the standard library's reads no float samples and no extensible header in Python 3.11.
Format: "Multimedia Programming Interface and Data Specifications 1.0" (RIFF, WAVE); extensible header as in
mmreg.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from feeds.blocks import Block, Samples
from jobs.errors import CutbankError, UsageError

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_KINDS = {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}


@dataclass(frozen=True, slots=True)
class Wav:
    """What the header of a WAV file says.

    Attributes
    ----------
    path
        The file.
    sample_rate
        Frames a second.
    channels, bits, is_float
        How many samples a frame has, and how each is stored.
    data_start, frames
        Where the samples begin, in bytes, and how many frames are really there.
    """

    path: Path
    sample_rate: int
    channels: int
    bits: int
    is_float: bool
    data_start: int
    frames: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.channels * self.bits // 8

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.frames / self.sample_rate


def read_header(path: Path) -> Wav:
    """Read and check the header of a WAV file.

    A data chunk which claims more than the file holds (a recording that was cut off, or written to a pipe)
    counts as far as whole frames are there.

    Raises
    ------
    UsageError
        There is no such file, it is no WAV file, or its samples are of a kind not read here.
    """
    try:
        with path.open("rb") as file:
            return _header(file, path)
    except FileNotFoundError:
        raise UsageError(f"--source: no file {str(path)!r}; expected mic, room, or the path of a WAV file") from None
    except OSError as error:
        raise UsageError(f"--source: {str(path)!r} cannot be read: {error.strerror}") from error


def _header(file: BinaryIO, path: Path) -> Wav:
    size = path.stat().st_size
    riff = file.read(12)
    if len(riff) < 12 or riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise UsageError(
            f"--source: {str(path)!r} is no WAV file (it does not begin with RIFF ... WAVE); convert it to WAV first"
        )
    form: tuple[int, int, int, int] | None = None
    while len(head := file.read(8)) == 8:
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        begin = file.tell()
        if name == b"fmt ":
            form = _format(file.read(min(length, 64)), path)
        elif name == b"data":
            if form is None:
                raise UsageError(f"--source: {str(path)!r}: the samples come before their format; the file is damaged")
            tag, channels, rate, bits = form
            frames = min(length, size - begin) // (channels * bits // 8)
            return Wav(path, rate, channels, bits, tag == _FLOAT, begin, frames)
        file.seek(begin + length + length % 2)
    raise UsageError(f"--source: {str(path)!r} has no samples (no data chunk); the file is damaged")


def _format(chunk: bytes, path: Path) -> tuple[int, int, int, int]:
    if len(chunk) < 16:
        raise UsageError(
            f"--source: {str(path)!r}: the format has {len(chunk)} bytes, expected 16; the file is damaged"
        )
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == _EXTENSIBLE and len(chunk) >= 40 and chunk[26:40] == _SUBFORMAT_TAIL:
        tag = struct.unpack("<H", chunk[24:26])[0]
    if (tag, bits) not in _KINDS or channels == 0 or rate == 0:
        raise UsageError(
            f"--source: {str(path)!r} has {channels} channels of format {tag}, {bits} bits, {rate} Hz; "
            "read are PCM of 8, 16, 24, 32 bits and float of 32, 64 bits: convert it to one of them"
        )
    return tag, channels, rate, bits


def decode(raw: bytes, wav: Wav) -> Samples:
    """Samples of whole frames, -1 to 1, the channels mixed down to their mean.

    Parameters
    ----------
    raw
        Whole frames as they stand in the file.
    wav
        How they are stored.

    Returns
    -------
    Samples
        float64, shape (frames,). Whole numbers are divided by their largest magnitude (32768 for 16 bits), so
        only the most negative one gives -1 exactly; 8 bits are unsigned around 128.
    """
    if wav.is_float:
        values = np.frombuffer(raw, f"<f{wav.bits // 8}").astype(np.float64)
    elif wav.bits == 8:
        values = (np.frombuffer(raw, np.uint8).astype(np.float64) - 128.0) / 128.0
    elif wav.bits == 24:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)  # the three bytes on top: the sign comes along
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0].astype(np.float64) / 2.0**31
    else:
        values = np.frombuffer(raw, f"<i{wav.bits // 8}").astype(np.float64) / 2.0 ** (wav.bits - 1)
    mixed: Samples = values.reshape(-1, wav.channels).mean(axis=1)
    return mixed


def blocks(wav: Wav, *, rate: float) -> Iterator[Block]:
    """The file as blocks, read one at a time.

    Where the sample rate is no multiple of `rate`, blocks differ by one sample, so that their times stay
    right. The last, incomplete block is left out: its volume would not compare.

    Parameters
    ----------
    wav
        The header.
    rate
        Blocks a second, > 0 and at most the sample rate.

    Raises
    ------
    CutbankError
        The file changed or cannot be read any more, or a sample is NaN or infinite.
    """
    first, number = 0, 0
    try:
        with wav.path.open("rb") as file:
            file.seek(wav.data_start)
            while True:
                number += 1
                after = round(number * wav.sample_rate / rate)
                if after > wav.frames:
                    return
                raw = file.read((after - first) * wav.frame_bytes)
                if len(raw) < (after - first) * wav.frame_bytes:
                    raise CutbankError(f"{str(wav.path)!r} became shorter while it was read")
                samples = decode(raw, wav)
                offset_s = first / wav.sample_rate
                if not np.isfinite(samples).all():
                    raise CutbankError(
                        f"{str(wav.path)!r} has a sample that is no finite number {offset_s:.3f} s from "
                        "its beginning: repair the recording, for instance by converting it to 16-bit PCM"
                    )
                yield Block(offset_s, (after - first) / wav.sample_rate, samples)
                first = after
    except OSError as error:
        raise CutbankError(f"{str(wav.path)!r} cannot be read any more: {error.strerror}") from error
