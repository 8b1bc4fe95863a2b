"""Whether variants got as many users as they should: where not, nothing else of an experiment can be believed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from models.errors import InputError

#: An experiment that was set up as intended is flagged once in a thousand.
SRM_LEVEL: Final = 0.001


class SampleRatio(NamedTuple):
    """Result of the check.

    Attributes
    ----------
    statistic, p_value : float
        Pearson's chi-square, and the chance of one so large where users were shared out as intended.
    mismatch : bool
        Whether the p value is below 0.001: find out why, and do not read the rest of the report.
    """

    statistic: float
    p_value: float
    mismatch: bool


def sample_ratio(users: Mapping[str, int], allocation: Mapping[str, float]) -> SampleRatio:
    """Compare the users of each variant with their intended shares.

    Parameters
    ----------
    users
        Variant to how many users it had; users, not impressions.
    allocation
        Variant to its intended share, in any unit, above 0.

    Raises
    ------
    InputError
        The variants are not the same two or more, or nobody took part.

    Examples
    --------
    >>> sample_ratio({"a": 5300, "b": 4700}, {"a": 50, "b": 50}).mismatch
    True
    """
    if users.keys() != allocation.keys() or len(users) < 2:
        raise InputError(f"users of {sorted(users)} must be those of the allocation {sorted(allocation)}, two at least")
    if any(share <= 0 for share in allocation.values()):
        raise InputError("allocation must be above 0 for every variant that is checked; leave the others out")
    total, shares = sum(users.values()), math.fsum(allocation.values())
    if total <= 0 or min(users.values()) < 0:
        raise InputError(f"users must be 0 or more, and some, got {dict(users)}")
    statistic = math.fsum(
        (count - total * allocation[name] / shares) ** 2 / (total * allocation[name] / shares)
        for name, count in users.items()
    )
    p_value = chi_square_tail(statistic, len(users) - 1)
    return SampleRatio(statistic, p_value, p_value < SRM_LEVEL)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """Chance that a chi-square variable of 1 or more degrees is larger; by the finite sums for whole degrees.

    Source: Abramowitz, Stegun, "Handbook of mathematical functions", 26.4.4 and 26.4.5.
    """
    half = statistic / 2.0
    if half <= 0.0:
        return 1.0
    tail = math.erfc(math.sqrt(half)) if degrees % 2 else 0.0
    power = 0.5 if degrees % 2 else 0.0
    while power < degrees / 2.0:
        tail += math.exp(power * math.log(half) - half - math.lgamma(power + 1.0))
        power += 1.0
    return min(1.0, tail)
