"""How late a label comes: a distribution of seconds, from its name on the command line."""

from __future__ import annotations

import math
import random as chance
from dataclasses import dataclass
from statistics import NormalDist

from jobs.errors import UsageError

#: Distributions with the names of their numbers.
KINDS = {
    "none": (),
    "constant": ("SECONDS",),
    "uniform": ("FROM", "TO"),
    "exponential": ("MEAN",),
    "lognormal": ("MEDIAN", "SIGMA"),
}
#: No label is later than this: a distribution with a long tail would hold a feed up for ever.
LONGEST_S = 7 * 86_400.0


@dataclass(frozen=True)
class Delay:
    """A distribution of delays.

    Attributes
    ----------
    kind
        One of `KINDS`.
    numbers
        As many as it has names there; seconds, but for SIGMA, the standard deviation of the logarithm.
    """

    kind: str
    numbers: tuple[float, ...] = ()

    def milliseconds(self, random: chance.Random) -> int:
        """A delay, 0 to a week; one random number is drawn, for every kind."""
        u = random.random()
        match self.kind, self.numbers:
            case "constant", (seconds,):
                pass
            case "uniform", (low, high):
                seconds = low + u * (high - low)
            case "exponential", (mean,):
                seconds = -mean * math.log1p(-u)
            case "lognormal", (median, sigma):
                seconds = median * math.exp(sigma * _normal(u))
            case _:
                seconds = 0.0
        return round(1000 * min(seconds, LONGEST_S))


def parse_delay(text: str) -> Delay:
    """A distribution from its name and its numbers, such as ``exponential:30``; `KINDS` are all there are.

    Raises
    ------
    UsageError
        It is none of these, or its numbers are none, negative, or more than a week.
    """
    kind, _, rest = text.partition(":")
    known = ", ".join(name + (":" + ",".join(names) if names else "") for name, names in KINDS.items())
    if kind not in KINDS:
        raise UsageError(f"--delay: expected one of {known}, got {text!r}")
    try:
        numbers = tuple(float(part) for part in rest.split(",")) if rest else ()
    except ValueError:
        numbers = (math.nan,)
    fits = len(numbers) == len(KINDS[kind]) and all(0 <= number <= LONGEST_S for number in numbers)
    if not fits or (kind == "uniform" and numbers[0] > numbers[1]) or (kind == "lognormal" and numbers[1] > 10):
        raise UsageError(f"--delay: expected {known}, in seconds, a week at most, got {text!r}")
    return Delay(kind, numbers)


def _normal(u: float) -> float:
    """The quantile of the standard normal distribution, kept within 8 deviations."""
    return NormalDist().inv_cdf(min(max(u, 1e-15), 1 - 1e-15))
