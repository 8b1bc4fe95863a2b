"""The rule the gate is measured against: accept what scores above 95 % of the mean score, on a few rows."""

from __future__ import annotations

from math import exp, floor, lgamma, log


def acceptance(accuracy: float, mean: float, rows: int, share: float = 0.95) -> float:
    """How often a model passes the rule.

    Parameters
    ----------
    accuracy
        The model's true accuracy, above 0 and below 1.
    mean
        The mean accuracy of the models before.
    rows
        On how many rows it is tried.
    share
        It passes where its accuracy on them is above this share of the mean.

    Returns
    -------
    float
        The probability, exact (binomial).

    Examples
    --------
    Tried on 20 rows, a model as good as those before is turned away a third of the time, and one that is five points
    worse passes two times of five:

    >>> round(1 - acceptance(0.85, 0.85, 20), 3), round(acceptance(0.80, 0.85, 20), 3)
    (0.352, 0.411)
    """
    # above the mark: not at it, even where the product is not exact
    least = floor(share * mean * rows + 1e-9) + 1
    right, wrong = log(accuracy), log(1.0 - accuracy)
    ways = (lgamma(rows + 1) - lgamma(k + 1) - lgamma(rows - k + 1) + k * right + (rows - k) * wrong
            for k in range(least, rows + 1))  # fmt: skip
    return sum(map(exp, ways))
