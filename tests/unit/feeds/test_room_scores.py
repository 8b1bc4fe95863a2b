"""The room is made to be found in: a forest of the default size hears every shout, and little else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from feeds.blocks import volume
from feeds.loudness import GAIN
from feeds.room import room
from models.random_cut_forest import RandomCutForestPool

RECORDS = 3000


@pytest.mark.parametrize("seed", [1, 42])
def test_a_forest_of_the_default_size_finds_every_shout_and_little_else(seed: int) -> None:
    blocks = list(itertools.islice(room(seed), RECORDS))
    volumes = np.array([[volume(block.samples, GAIN)] for block in blocks])
    pool = RandomCutForestPool(1, trees=100, sample_size=256)
    slots = np.full(RECORDS, pool.open(), np.int32)
    scores = pool.process(slots, np.arange(RECORDS, dtype=np.int64) * 50, volumes)["score"]
    onsets = [number for number, block in enumerate(blocks) if block.onset]
    peaks = [scores[number : number + 3].max() for number in onsets]
    assert len(onsets) >= 6 and min(peaks) > 2.2
    rest = scores[[n for n, block in enumerate(blocks) if n >= 256 and block.label != "shout"]]
    assert 0.6 <= np.median(rest) <= 0.9
    assert np.mean(rest <= 1.3) > 0.97
    assert np.mean(rest > 1.8) < 0.005
