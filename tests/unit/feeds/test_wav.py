from __future__ import annotations

import itertools
import math
import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from feeds.wav import blocks, decode, read_header
from jobs.errors import CutbankError, UsageError

FULL = {8: 128, 16: 2**15, 24: 2**23, 32: 2**31}


def write_pcm(path: Path, frames: list[tuple[int, ...]], bits: int, rate: int = 1000) -> Path:
    """By the standard library, from signed whole numbers (8 bits: stored unsigned)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(frames[0]))
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        if bits == 8:
            file.writeframes(bytes(value + 128 for frame in frames for value in frame))
        else:
            raw = (value.to_bytes(bits // 8, "little", signed=True) for frame in frames for value in frame)
            file.writeframes(b"".join(raw))
    return path


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def form(tag: int, channels: int, rate: int, bits: int, more: bytes = b"") -> bytes:
    width = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + more)


def samples_of(path: Path) -> list[float]:
    wav = read_header(path)
    raw = path.read_bytes()[wav.data_start : wav.data_start + wav.frames * wav.frame_bytes]
    return decode(raw, wav).tolist()


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_pcm_of_every_width(tmp_path: Path, bits: int) -> None:
    full = FULL[bits]
    values = [0, 1, -1, full // 2, -full // 2, full - 1, -full, 12 % full, -77 % full - full]
    path = write_pcm(tmp_path / "mono.wav", [(v,) for v in values], bits)
    assert samples_of(path) == [v / full for v in values]


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [2, 3])
def test_channels_are_mixed_down_to_their_mean(tmp_path: Path, bits: int, channels: int) -> None:
    full = FULL[bits]
    rng = np.random.default_rng(bits)
    frames = [tuple(int(v) for v in rng.integers(-full, full, channels)) for _ in range(40)]
    path = write_pcm(tmp_path / "many.wav", frames, bits)
    expected = [math.fsum(v / full for v in frame) / channels for frame in frames]
    assert samples_of(path) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(("bits", "code"), [(32, "f"), (64, "d")])
def test_float_samples(tmp_path: Path, bits: int, code: str) -> None:
    values = [0.0, 0.5, -0.25, 1.0, -1.0, 0.125]
    path = tmp_path / "float.wav"
    body = struct.pack(f"<{len(values)}{code}", *values)
    path.write_bytes(riff(form(3, 1, 8000, bits, b"\0\0"), chunk(b"fact", b"\6\0\0\0"), chunk(b"data", body)))
    assert samples_of(path) == values


def test_extensible_header_and_odd_chunks_before_the_samples(tmp_path: Path) -> None:
    guid = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    head = form(0xFFFE, 2, 48000, 16, struct.pack("<HHI", 22, 16, 3) + guid)
    body = struct.pack("<4h", 16384, 0, -32768, -32768)
    path = tmp_path / "extensible.wav"
    path.write_bytes(riff(chunk(b"LIST", b"odd"), head, chunk(b"note", b"x"), chunk(b"data", body)))
    assert samples_of(path) == [0.25, -1.0]
    assert read_header(path).sample_rate == 48000


@pytest.mark.parametrize("claimed", [0xFFFFFFFF, 1000])
def test_a_recording_that_was_cut_off_counts_as_far_as_it_goes(tmp_path: Path, claimed: int) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(riff(form(1, 1, 100, 16), b"data" + struct.pack("<I", claimed) + b"\0\x40\0\x20\7"))
    assert samples_of(path) == [0.5, 0.25]


def test_blocks_cut_the_file_at_its_own_pace(tmp_path: Path) -> None:
    values = [int(20000 * math.sin(n / 9.0)) for n in range(11025 * 2 + 300)]
    path = write_pcm(tmp_path / "tone.wav", [(v,) for v in values], 16, rate=11025)
    cut = list(blocks(read_header(path), rate=20.0))
    assert len(cut) == 40
    bounds = [round(n * 11025 / 20) for n in range(41)]
    for block, (start, end) in zip(cut, itertools.pairwise(bounds), strict=True):
        assert block.samples.tolist() == [v / 32768 for v in values[start:end]]
        assert block.offset_s == pytest.approx(start / 11025)
        assert block.length_s == pytest.approx((end - start) / 11025)
        assert block.onset == ""


def test_a_file_of_whole_blocks_loses_none(tmp_path: Path) -> None:
    path = write_pcm(tmp_path / "whole.wav", [(1,)] * 1000, 16, rate=1000)
    assert len(list(blocks(read_header(path), rate=20.0))) == 20


def test_a_sample_that_is_no_number_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    body = struct.pack("<100f", *[0.0] * 70, math.nan, *[0.0] * 29)
    path.write_bytes(riff(form(3, 1, 100, 32), chunk(b"data", body)))
    reading = blocks(read_header(path), rate=10.0)
    assert len(list(itertools.islice(reading, 7))) == 7
    with pytest.raises(CutbankError, match=r"nan\.wav.*0\.700 s"):
        next(reading)


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = write_pcm(tmp_path / "shrinks.wav", [(1,)] * 100_000, 16, rate=1000)
    wav = read_header(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CutbankError, match="shorter"):
        list(blocks(wav, rate=20.0))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no WAV file"),
        (b"ID3\x04 this is an mp3", "no WAV file"),
        (b"RIFF\x04\0\0\0AVI ", "no WAV file"),
        (riff(form(1, 1, 8000, 16)), "no samples"),
        (riff(chunk(b"data", b"\0\0")), "samples come before their format"),
        (riff(chunk(b"fmt ", b"\1\0"), chunk(b"data", b"\0\0")), "2 bytes, expected 16"),
        (riff(form(6, 1, 8000, 8), chunk(b"data", b"\0\0")), "format 6, 8 bits"),
        (riff(form(1, 1, 8000, 12), chunk(b"data", b"\0\0")), "12 bits"),
        (riff(form(1, 0, 8000, 16), chunk(b"data", b"\0\0")), "0 channels"),
        (riff(form(1, 1, 0, 16), chunk(b"data", b"\0\0")), "0 Hz"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "strange.wav"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"strange\.wav") as caught:
        read_header(path)
    assert what in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file '.*gone\.wav'; expected mic, room, or the path of a WAV file"):
        read_header(tmp_path / "gone.wav")
    with pytest.raises(UsageError, match="cannot be read"):
        read_header(tmp_path)
