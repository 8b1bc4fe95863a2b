"""A comparison that may be looked at every day: a confidence sequence for the difference of two variants."""

from __future__ import annotations

import math
from typing import NamedTuple

from models.errors import ParameterError
from models.experiments.comparison import Comparison


class Sequential(NamedTuple):
    """What may be said at any look.

    Attributes
    ----------
    low, high : float
        An interval of the confidence sequence: with the chance `confidence` the true difference is in all of them, at
        every look ever taken.
    p_value : float
        Always valid: below a level with that chance at most, ever, between equal variants. The least so far, where
        `earlier` looks are handed in.
    """

    low: float
    high: float
    p_value: float


def sequential(compared: Comparison, scale: float, confidence: float = 0.95, earlier: float = 1.0) -> Sequential:
    """The mixture sequential probability ratio test (mSPRT) with a normal mixture.

    Parameters
    ----------
    compared
        The comparison as of this look, of all data so far.
    scale
        Standard deviation of the mixture, in units of the metric, above 0: the size of differences that are to be
        found soonest. Fix it before the first look; any value is valid, a tenth or ten times as much costs some power.
    confidence
        Above 0 and below 1.
    earlier
        The p value of the last look, 1 at the first.

    Notes
    -----
    Wider than the interval of one look, which would be wrong one time in five after 14 daily looks. The normal
    approximation is that of `compare`; begin to look when both sides have some hundred users.

    The gate of champions and challengers (`models.champion`) bets on bounded losses, row by row on the same rows, and
    holds without an approximation; it cannot take ratios of sums over different users, which this is for.

    Sources: Robbins, "Statistical methods related to the law of the iterated logarithm", 1970; Johari, Koomen,
    Pekelis, Walsh: "Always valid inference", Operations Research 2022, equation 6; with estimated variances valid for
    large samples: Waudby-Smith and others, "Time-uniform central limit theory", Annals of Statistics 2024.
    """
    if not scale > 0.0:
        raise ParameterError(f"scale must be above 0, got {scale!r}")
    if not 0.0 < confidence < 1.0:
        raise ParameterError(f"confidence must be above 0 and below 1, got {confidence!r}")
    variance, mixed = compared.error**2, scale**2
    if variance == 0.0:
        p_value = 1.0 if compared.difference == 0.0 else 0.0
        return Sequential(compared.difference, compared.difference, min(earlier, p_value))
    # logarithm of the ratio of the mixed likelihood and that of no difference
    evidence = 0.5 * math.log(variance / (variance + mixed)) + 0.5 * compared.difference**2 * mixed / (
        variance * (variance + mixed)
    )
    spread = 2.0 * math.log(1.0 / (1.0 - confidence)) + math.log1p(mixed / variance)
    reach = math.sqrt(variance * (variance + mixed) / mixed * spread)
    p_value = min(1.0, earlier, math.exp(-evidence) if evidence > 0.0 else 1.0)
    return Sequential(compared.difference - reach, compared.difference + reach, p_value)
