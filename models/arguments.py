"""What every model refuses alike: parameters out of range, and rows that do not fit."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import InputError, ParameterError


def whole_number(name: str, given: Any, low: int, high: int, *, high_is: str | None = None) -> int:
    """A parameter that must be a whole number in ``low..high``, ends included; `high_is` names what sets `high`.

    Raises
    ------
    ParameterError
        It is of another kind (booleans too), or out of range.
    """
    allowed = f"{low}..{high}" if high_is is None else f"{low}..{high_is} ({high})"
    try:
        value = operator.index(given)
    except TypeError:
        raise ParameterError(f"{name} must be an integer in {allowed}, got {given!r}") from None
    if isinstance(given, bool) or not low <= value <= high:
        raise ParameterError(f"{name} must be in {allowed}, got {given!r}")
    return value


def number(name: str, given: Any, low: float, high: float) -> float:
    """A parameter that must be a number in ``low..high``, ends included.

    Raises
    ------
    ParameterError
        It is none (booleans and NaN too), or out of range.
    """
    _check(name, given, f"in {low:g}..{high:g}", lambda value: low <= value <= high)
    return float(given)


def above_zero_below_one(name: str, given: Any) -> float:
    """A parameter that must be a number above 0 and below 1; ParameterError where it is not."""
    _check(name, given, "above 0 and below 1", lambda value: 0.0 < value < 1.0)
    return float(given)


def _check(name: str, given: Any, allowed: str, fits: Callable[[Any], bool]) -> None:
    is_number = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    if not is_number or math.isnan(given) or not fits(given):
        raise ParameterError(f"{name} must be a number {allowed}, got {given!r}")


def check_width(values: npt.NDArray[Any], columns: int) -> None:
    """Check that values are (n, columns).

    Raises
    ------
    InputError
        They have another shape.
    """
    if values.ndim != 2 or values.shape[1] != columns:
        raise InputError(f"values must have the shape (n, {columns}), got {values.shape}")


def integers_of_rows(name: str, given: Any, rows: int) -> npt.NDArray[Any]:
    """What must be one integer a row: an array (rows,) of any integer type.

    Raises
    ------
    InputError
        It has other numbers, or another shape.
    """
    numbers = np.asarray(given)
    if numbers.dtype.kind not in "iu":
        raise InputError(f"{name} must be integers, got {numbers.dtype}")
    if numbers.shape != (rows,):
        raise InputError(f"{name} must have shape ({rows},) like the rows, got {numbers.shape}")
    return numbers
