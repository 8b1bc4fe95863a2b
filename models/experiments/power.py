"""How small a difference an experiment can find, and how many users it takes."""

from __future__ import annotations

import math
from statistics import NormalDist

from models.arguments import whole_number
from models.errors import InputError, ParameterError
from models.experiments.comparison import Totals

_NORMAL = NormalDist()


def minimum_detectable_effect(
    sample: Totals, control_users: int, treatment_users: int, power: float = 0.8, level: float = 0.05
) -> float:
    """The smallest true difference that is found with the given chance, in units of the metric.

    Parameters
    ----------
    sample
        Users as they will come, before the experiment or of its control.
    control_users, treatment_users
        How many there will be on each side, 2 or more.
    power
        The chance of finding it, above the level and below 1.
    level
        Of the two-sided test, above 0 and below 1.

    Examples
    --------
    >>> clicks, impressions = [0, 1, 0, 2, 0, 0, 1, 0], [10, 20, 5, 40, 10, 10, 15, 5]
    >>> round(minimum_detectable_effect(Totals.of(clicks, impressions), 10_000, 10_000), 5)
    0.0011
    """
    for name, users in (("control_users", control_users), ("treatment_users", treatment_users)):
        whole_number(name, users, 2, 10**12)
    each = sample.variance * sample.users
    return _distance(power, level) * math.sqrt(each / control_users + each / treatment_users)


def users_needed(sample: Totals, effect: float, power: float = 0.8, level: float = 0.05) -> int:
    """Users on each of two equal sides so that a true difference of `effect` is found with the given chance."""
    if not effect or not math.isfinite(effect):
        raise InputError(f"effect must be a number other than 0, got {effect!r}")
    each = sample.variance * sample.users
    return math.ceil(2.0 * each * (_distance(power, level) / effect) ** 2)


def _distance(power: float, level: float) -> float:
    """How many standard errors the difference must be away."""
    if not 0.0 < level < power < 1.0:
        raise ParameterError(
            f"level and power must be in 0..1, ends excluded, level below power, got {level!r}, {power!r}"
        )
    return _NORMAL.inv_cdf(1.0 - level / 2.0) + _NORMAL.inv_cdf(power)
