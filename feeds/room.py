"""A synthetic room: real audio samples made from a seed, with shouts at known times.

Three things can be heard. A noise floor, whose level drifts over minutes. Speech: spurts of a second or two
with pauses between, each with its own pitch and loudness, rising and falling with its syllables. And shouts:
after a warm-up without any, one every 10 to 20 seconds, a fifth of a second long, several times as loud as
the loudest speech.

The levels are chosen for a detector which learns the volume of a block (gain 10, 20 blocks a second): the
floor lies near 1, speech between 2 and 25, a shout between 60 and 140.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feeds.blocks import Block, Samples

SAMPLE_RATE = 16_000
"""Samples a second: wide enough for a voice, and a block of 1/20 s is 800 samples."""

WARM_UP_BLOCKS = 300
"""Blocks before the first shout may come: 15 s at 20 blocks a second, and more than the 256 a forest
samples."""

SHOUT_GAP_S = (10.0, 20.0)
"""From one shout to the next, in seconds: uniform between the two. The first comes up to 10 s after the
warm-up."""

_FLOOR_RMS = 0.0035
_SPEECH_RMS = (0.02, 0.06)
_SPURT_S = (0.8, 2.6)
_PAUSE_S = (0.4, 2.4)
_SHOUT_RMS = (0.22, 0.48)
_SHOUT_S = (0.15, 0.25)
_HARMONICS = 6
_TAU = 2.0 * math.pi


@dataclass(frozen=True, slots=True)
class _Voice:
    """One spurt of speech or one shout: from when to when (in samples), how loud, and how it sounds."""

    start: int
    end: int
    rms: float
    pitch_hz: float
    syllables_hz: float
    phase: float

    def sound(self, first: int, count: int, rate: int, *, steady: bool) -> Samples:
        """Samples `first` to `first + count` of the stream, silent outside the voice."""
        index = np.arange(first, first + count, dtype=np.float64)
        t = (index - self.start) / rate
        length_s = (self.end - self.start) / rate
        inside = (t >= 0.0) & (t < length_s)
        if steady:  # a shout: up within 10 ms, held, gone within 60 ms
            envelope = np.minimum(1.0, t / 0.01) * np.minimum(1.0, (length_s - t) / 0.06)
            vibrato = 0.4 * np.sin(_TAU * 6.0 * t)
        else:  # syllables: never silent within a spurt, faded in and out
            beat = 0.5 - 0.5 * np.cos(_TAU * self.syllables_hz * t + self.phase)
            envelope = (0.15 + 0.85 * beat) * np.minimum(1.0, np.minimum(t, length_s - t) / 0.08)
            vibrato = 0.8 * np.sin(_TAU * 2.3 * t + self.phase)
        envelope = np.where(inside, np.maximum(envelope, 0.0), 0.0)
        angle = _TAU * self.pitch_hz * t + vibrato
        tone = np.zeros(count)
        power = 0.0
        for k in range(1, _HARMONICS + 1):
            strength = 1.0 / k
            tone += strength * np.sin(k * angle + k * self.phase)
            power += 0.5 * strength * strength
        return self.rms / math.sqrt(power) * envelope * tone


class _Voices:
    """Voices one after the other; each is drawn when its predecessor has ended, so any length of stream is
    the same."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        first_s: float,
        gap_s: tuple[float, float],
        last_s: tuple[float, float],
        rms: tuple[float, float],
        pitch_hz: tuple[float, float],
        loudness: float,
        grid: int,
        from_start: bool,
    ) -> None:
        self._rng, self._gap_s, self._last_s, self._rms = rng, gap_s, last_s, rms
        self._pitch_hz, self._loudness, self._grid, self._from_start = pitch_hz, loudness, grid, from_start
        self._now = self._draw(first_s * SAMPLE_RATE)

    def _draw(self, after: float) -> _Voice:
        uniform = self._rng.uniform
        start = after + uniform(*self._gap_s) * SAMPLE_RATE
        start = -(-start // self._grid) * self._grid
        return _Voice(
            start=int(start),
            end=int(start + uniform(*self._last_s) * SAMPLE_RATE),
            rms=self._loudness * math.exp(uniform(math.log(self._rms[0]), math.log(self._rms[1]))),
            pitch_hz=uniform(*self._pitch_hz),
            syllables_hz=uniform(3.0, 5.5),
            phase=uniform(0.0, _TAU),
        )

    def at(self, first: int) -> _Voice:
        """The voice that is heard at sample `first`, or the next one to come."""
        while self._now.end <= first:
            self._now = self._draw(self._now.start if self._from_start else self._now.end)
        return self._now


def room(seed: int, *, index: int = 0, rate: float = 20.0, warm_up: int = WARM_UP_BLOCKS) -> Iterator[Block]:
    """Blocks of sound from a synthetic room, without end; the same for the same arguments.

    Parameters
    ----------
    seed
        0 or more. Rooms of one seed and different `index` differ in everything, their loudness included.
    index
        Which room of this seed, 0 or more.
    rate
        Blocks a second, 1 to 1000; a block has ``SAMPLE_RATE / rate`` samples, to the nearest sample.
    warm_up
        Blocks without a shout at the beginning, 0 or more.

    Yields
    ------
    Block
        `label` is "quiet", "speech" or "shout" (the loudest of them in the block); `onset` is "shout" in the
        block with which a shout begins. Shouts begin with a block, so the block's time is the shout's time.
        Samples are clipped to -1..1. Cost: about 0.2 ms a block at 20 a second.
    """
    streams = np.random.SeedSequence([seed, index]).spawn(4)
    character, noise, talk, cries = (np.random.default_rng(stream) for stream in streams)
    loudness = math.exp(character.uniform(math.log(0.8), math.log(1.25)))
    drift_phases = character.uniform(0.0, _TAU, 2)
    per_block = max(1, round(SAMPLE_RATE / rate))
    speech = _Voices(
        talk,
        first_s=0.0,
        gap_s=_PAUSE_S,
        last_s=_SPURT_S,
        rms=_SPEECH_RMS,
        pitch_hz=(95.0, 230.0),
        loudness=loudness,
        grid=1,
        from_start=False,
    )
    shouts = _Voices(
        cries,
        first_s=warm_up * per_block / SAMPLE_RATE - SHOUT_GAP_S[0],
        gap_s=SHOUT_GAP_S,
        last_s=_SHOUT_S,
        rms=_SHOUT_RMS,
        pitch_hz=(280.0, 420.0),
        loudness=loudness,
        grid=per_block,
        from_start=True,
    )
    first = 0
    while True:
        t = first / SAMPLE_RATE
        drift = 0.30 * math.sin(_TAU * t / 127.0 + drift_phases[0]) + 0.15 * math.sin(
            _TAU * t / 41.0 + drift_phases[1]
        )
        samples = noise.standard_normal(per_block) * (_FLOOR_RMS * loudness * math.exp(drift))
        talking, shouting = speech.at(first), shouts.at(first)
        label = "quiet"
        if talking.start < first + per_block:
            samples += talking.sound(first, per_block, SAMPLE_RATE, steady=False)
            label = "speech"
        onset = ""
        if shouting.start < first + per_block:
            samples += shouting.sound(first, per_block, SAMPLE_RATE, steady=True)
            label = "shout"
            onset = "shout" if shouting.start >= first else ""
        yield Block(t, per_block / SAMPLE_RATE, np.clip(samples, -1.0, 1.0), label, onset)
        first += per_block
