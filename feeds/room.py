"""A synthetic room: real audio samples made from a seed, with shouts at known times.

Three things can be heard. A noise floor, whose level drifts over minutes. Speech: spurts of a second or two
with pauses between, each with its own pitch and loudness, rising and falling with its syllables. And shouts:
after a warm-up without any, one every 10 to 20 seconds, a fifth of a second long, several times as loud as
the loudest speech.

The levels are chosen for a detector which learns the volume of a block (gain 10, 20 blocks a second): the
floor lies near 1, speech between 2 and 25, a shout between 60 and 140.
"""

from __future__ import annotations

import itertools
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
_HARMONICS = 6
_TAU = 2.0 * math.pi


@dataclass(frozen=True, slots=True)
class _Manner:
    """How voices of one kind follow each other and sound; every pair is the ends of a uniform distribution.

    `gap_s` counts from the start of the voice before (`from_start`) or from its end; `rms` is uniform in its
    logarithm.
    """

    gap_s: tuple[float, float]
    from_start: bool
    last_s: tuple[float, float]
    rms: tuple[float, float]
    pitch_hz: tuple[float, float]


_SPEECH = _Manner((0.4, 2.4), False, (0.8, 2.6), (0.02, 0.06), (95.0, 230.0))
# Short, each of a loudness of its own: a forest that has heard a hundred must still find the next one rare.
_SHOUT = _Manner(SHOUT_GAP_S, True, (0.15, 0.25), (0.22, 0.48), (280.0, 420.0))


@dataclass(frozen=True, slots=True)
class _Voice:
    """One spurt of speech or one shout: from when to when (in samples), how loud, and how it sounds."""

    start: int
    end: int
    rms: float
    pitch_hz: float
    syllables_hz: float
    phase: float

    def sound(self, first: int, count: int, *, steady: bool) -> Samples:
        """Samples `first` to `first + count` of the stream, silent outside the voice."""
        index = np.arange(first, first + count, dtype=np.float64)
        t = (index - self.start) / SAMPLE_RATE
        length_s = (self.end - self.start) / SAMPLE_RATE
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
    """Voices one after the other; each is drawn when its predecessor is over, so that what is heard does not
    depend on how much of it is asked for. A voice starts at a multiple of `grid` samples, at or after
    `earliest`.
    """

    def __init__(
        self, manner: _Manner, rng: np.random.Generator, *, loudness: float, grid: float, earliest: float
    ) -> None:
        self._manner, self._rng, self._loudness, self._grid = manner, rng, loudness, grid
        self._now = self._draw(earliest - manner.gap_s[0] * SAMPLE_RATE)

    def _draw(self, after: float) -> _Voice:
        uniform, manner = self._rng.uniform, self._manner
        start = round(math.ceil((after + uniform(*manner.gap_s) * SAMPLE_RATE) / self._grid) * self._grid)
        quietest, loudest = manner.rms
        return _Voice(
            start=start,
            end=start + round(uniform(*manner.last_s) * SAMPLE_RATE),
            rms=self._loudness * math.exp(uniform(math.log(quietest), math.log(loudest))),
            pitch_hz=uniform(*manner.pitch_hz),
            syllables_hz=uniform(3.0, 5.5),
            phase=uniform(0.0, _TAU),
        )

    def at(self, first: int) -> _Voice:
        """The voice that is heard at sample `first`, or the next one to come."""
        while self._now.end <= first:
            self._now = self._draw(self._now.start if self._manner.from_start else self._now.end)
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
        Blocks a second, 1 to 1000. Where `SAMPLE_RATE` is no multiple of it, blocks differ by one sample.
    warm_up
        Blocks without a shout at the beginning, 0 or more.

    Yields
    ------
    Block
        `label` is "quiet", "speech" or "shout": the loudest that can be heard in at least a part of the
        block. `onset` is "shout" in the block with which a shout begins. Shouts begin with a block, so the
        block's time is the shout's time. Samples are clipped to -1..1. Cost: about 0.1 ms a block at 20 a
        second.
    """
    streams = np.random.SeedSequence([seed, index]).spawn(4)
    character, noise, talk, cries = (np.random.default_rng(stream) for stream in streams)
    loudness = math.exp(character.uniform(math.log(0.8), math.log(1.25)))
    slow, slower = character.uniform(0.0, _TAU, 2)
    step = SAMPLE_RATE / rate
    speech = _Voices(_SPEECH, talk, loudness=loudness, grid=1.0, earliest=0.0)
    shouts = _Voices(_SHOUT, cries, loudness=loudness, grid=step, earliest=warm_up * step)
    first = 0
    for number in itertools.count(1):
        after = round(number * step)
        count, t = after - first, first / SAMPLE_RATE
        drift = 0.15 * math.sin(_TAU * t / 41.0 + slow) + 0.30 * math.sin(_TAU * t / 127.0 + slower)
        samples = noise.standard_normal(count) * (_FLOOR_RMS * loudness * math.exp(drift))
        talking, shouting = speech.at(first), shouts.at(first)
        label, onset = "quiet", ""
        if talking.start < after:
            samples += talking.sound(first, count, steady=False)
            label = "speech"
        if shouting.start < after:
            samples += shouting.sound(first, count, steady=True)
            label, onset = "shout", "shout" if shouting.start >= first else ""
        yield Block(t, count / SAMPLE_RATE, np.clip(samples, -1.0, 1.0), label, onset)
        first = after
