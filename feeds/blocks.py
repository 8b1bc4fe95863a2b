"""What every source of sound yields: blocks of samples with the time they began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One block of mono audio.

    Attributes
    ----------
    offset_s
        Seconds from the beginning of the source to the block's first sample.
    length_s
        Seconds the block lasts.
    samples
        float64, -1 to 1, shape (samples,).
    label
        What can be heard: "quiet", "speech" or "shout" in a synthetic room, "" where nobody knows.
    onset
        What begins in this block ("shout"), or "".
    """

    offset_s: float
    length_s: float
    samples: Samples
    label: str = ""
    onset: str = ""


def volume(samples: Samples, gain: float) -> float:
    """Loudness of one block: the Euclidean norm of its samples times `gain`, rounded to 3 decimals.

    Parameters
    ----------
    samples
        float64, shape (n,), n >= 0; -1 to 1 where the source does not clip.
    gain
        Factor, finite and > 0.

    Returns
    -------
    float
        0 or more; at most ``gain * sqrt(n)`` for samples within -1..1. It grows with the square root of the
        block's length, so volumes of different block lengths or sample rates do not compare. NaN or infinite
        where a sample is. Cost: one pass over the block.
    """
    return round(float(np.sqrt(np.sum(np.square(samples)))) * gain, 3)
