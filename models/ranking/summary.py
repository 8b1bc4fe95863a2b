"""Means with their standard errors, where a user may have many lists: users are independent, their lists are not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.arguments import integers_of_rows
from models.errors import InputError

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over lists, and how much it would vary with other users.

    Attributes
    ----------
    mean : float
        Over all lists; each counts the same.
    error : float
        Standard error, with users as the unit; NaN for fewer than two users.
    lists, users : int
        How many there were.
    """

    mean: float
    error: float
    lists: int
    users: int

    def above_zero(self, errors: float = 2.0) -> bool:
        """Whether the mean is above 0 by more than so many standard errors."""
        return bool(self.mean > errors * self.error)


def mean_by_user(values: Floats, users: npt.NDArray[Any]) -> Estimate:
    """Mean of values (n,), one a list, and its standard error over users (n,).

    The mean over lists is a ratio, summed values over number of lists, both sums over users; its error is that of the
    delta method for ratios (Deng, Knoblich, Lu: "Applying the delta method in metric analytics", 2018). With one list
    a user it is the common standard error.

    Raises
    ------
    InputError
        There are no values, or not one user for each.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not values.size:
        raise InputError(f"values must be (n,) with n above 0, got {values.shape}")
    _, owner = np.unique(integers_of_rows("users", users, values.size), return_inverse=True)
    lists = np.bincount(owner).astype(np.float64)
    sums = np.bincount(owner, values)
    mean = float(sums.sum() / lists.sum())
    count = lists.size
    if count < 2:
        return Estimate(mean, float("nan"), values.size, count)
    # the residuals sum to 0, so this is their variance
    residuals = (sums - mean * lists) / lists.mean()
    error = float(np.sqrt((residuals**2).sum() / (count - 1) / count))
    return Estimate(mean, error, values.size, count)


def paired_difference(ours: Floats, theirs: Floats, users: npt.NDArray[Any]) -> Estimate:
    """Mean of ours minus theirs on the same lists, with its standard error over users: what is common cancels out."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        raise InputError(f"paired values must have one shape, got {ours.shape} and {theirs.shape}")
    return mean_by_user(ours - theirs, users)
