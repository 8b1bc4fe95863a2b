"""What every model refuses alike: parameters out of range, and rows that do not fit."""

from __future__ import annotations

import operator
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


def real_number(name: str, given: Any, low: float, high: float, *, above_low: bool = False) -> float:
    """A parameter that must be a number in ``low..high``, the ends included; with `above_low` not `low` itself.

    Raises
    ------
    ParameterError
        It is of another kind (booleans too), NaN, or out of range.
    """
    allowed = f"{'above ' if above_low else ''}{low:g}..{high:g}"
    number = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    if not number or not low <= given <= high or (above_low and given == low):
        raise ParameterError(f"{name} must be a number in {allowed}, got {given!r}")
    return float(given)


def one_of(name: str, given: Any, allowed: tuple[str, ...]) -> str:
    """A parameter that must be one of some words.

    Raises
    ------
    ParameterError
        It is none of them.
    """
    if given not in allowed:
        words = ", ".join(repr(word) for word in allowed)
        raise ParameterError(f"{name} must be one of {words}, got {given!r}")
    return str(given)
