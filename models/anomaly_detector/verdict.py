"""From a score to a grade: how rare is it here, and was as much said already.

*Surprise* is twice the score less the logarithm of how many earlier scores were as high, in a memory that forgets: a
high score is no news in a stream that has many. Emitted is a surprise if nothing comparable was emitted in the
cool-down before, or if it is higher by `STEP`: a disturbance is announced once, and again if it gets clearly worse.
The *grade* of an emission is its surprise on a scale of 0 to 1, of everything else 0.

The cool-down is a share of what the memory holds: what counts as "again" grows with how long a stream is known.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.anomaly_detector.state import (
    BAR,
    BAR_AT,
    BINS,
    BINS_PER_UNIT,
    GAIN,
    HISTOGRAM,
    TOTAL,
)
from models.kernel_cache import inner

State = npt.NDArray[np.float64]

#: Records after which an earlier score counts half.
MEMORY = 20_000.0
#: Weight of the score in the surprise.
SCORE_WEIGHT = 2.0
#: Records of a key before its first grade.
JUDGED_FROM = 100
#: Records in memory below which nothing is called rare with full weight, and how much a stream that is half as long
#: takes off: this times log 2. All is new to a young stream, and most of it is the first day.
ENOUGH, HESITATION = 500.0, 2.0
#: Shortest cool-down in records, and its share of the records in memory.
SHORTEST, SHARE = 60.0, 0.08
#: What a surprise must exceed the last emission by to be emitted within the cool-down.
STEP = 1.0
#: Surprise with grade 1/2.
MIDDLE = 1.5
#: Weights in the histogram are made small again above this.
_LARGE = 1e200
_GROWTH = 2.0 ** (1.0 / MEMORY)


@inner
def as_high(state: State, score: float) -> float:
    """Number of earlier scores as high as this one, old ones counting less."""
    place = min(max(int(score * BINS_PER_UNIT), 0), BINS - 1)
    below = 0.0
    while place > 0:
        below += state[HISTOGRAM + place]
        place -= place & -place
    return max((state[TOTAL] - below) / state[GAIN], 0.0)


@inner
def count(state: State, score: float) -> None:
    """Put a score into the histogram. Instead of the old, the new weights grow: that touches one bin only."""
    if state[GAIN] > _LARGE:
        for place in range(1, BINS + 1):
            state[HISTOGRAM + place] /= state[GAIN]
        state[TOTAL] /= state[GAIN]
        state[GAIN] = 1.0
    state[GAIN] *= _GROWTH
    place = min(max(int(score * BINS_PER_UNIT), 0), BINS - 1) + 1
    while place <= BINS:
        state[HISTOGRAM + place] += state[GAIN]
        place += place & -place
    state[TOTAL] += state[GAIN]


@inner
def grade_of(state: State, seen: int, score: float) -> float:
    """Grade of record number `seen` of a key, 0 where it is not emitted; the score joins the earlier ones."""
    surprise = SCORE_WEIGHT * score - math.log(1.0 + as_high(state, score))
    count(state, score)
    if seen < JUDGED_FROM:
        return 0.0
    memory = state[TOTAL] / state[GAIN]
    surprise += HESITATION * min(0.0, math.log(memory / ENOUGH))
    pause = max(SHORTEST, math.floor(SHARE * memory))
    if seen - state[BAR_AT] <= pause and surprise <= state[BAR] + STEP:
        return 0.0
    state[BAR_AT], state[BAR] = float(seen), surprise
    return 1.0 / (1.0 + math.exp(MIDDLE - surprise))
