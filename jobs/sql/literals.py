"""Values written out in SQL: what the arguments of a table function may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from jobs.sql.tokens import Kind, Token

_LONGEST_MS: Final = 2**63 - 1
_UNITS_MS: Final = {"SECOND": 1_000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000}


class LiteralError(ValueError):
    """Tokens are not a value; the message ends the sentence "x ...", ``token`` is the offending one."""

    def __init__(self, message: str, token: Token) -> None:
        super().__init__(message)
        self.token = token


@dataclass(frozen=True)
class Literal:
    """A value written out: an INTERVAL is an int of milliseconds and says so, NULL is None."""

    value: int | float | bool | str | None
    is_interval: bool = False


def read_literal(tokens: Sequence[Token]) -> Literal:
    """The value of tokens: whole numbers are int, other numbers float.

    Raises
    ------
    LiteralError
        They are an expression, not a value written out, or an interval that has no length in milliseconds.
    """
    first, *rest = tokens
    if first.upper == "CAST" or first.upper == "TRY_CAST":
        raise LiteralError("takes a value written out, not a CAST: leave the CAST away", first)
    if first.upper == "INTERVAL" and rest:
        return Literal(_interval(tokens), is_interval=True)
    signed = first.upper in ("-", "+")
    if signed and not rest:
        raise LiteralError("has a sign and no number", first)
    number = _number(rest if signed else tokens)
    if number is not None:
        return Literal(-number if first.upper == "-" else number)
    if len(tokens) == 1:
        if first.kind is Kind.STRING:
            return Literal(first.value)
        if first.upper in ("TRUE", "FALSE"):
            return Literal(first.upper == "TRUE")
        if first.upper == "NULL":
            return Literal(None)
    raise LiteralError("takes a value written out; it cannot be computed or read from a column", first)


def _number(tokens: Sequence[Token]) -> int | float | None:
    """``10``, ``1.5``, ``1e-5`` and ``.5``; None for anything else."""
    if len(tokens) == 2 and tokens[0].upper == "." and tokens[1].start == tokens[0].end:
        text = "." + tokens[1].value
    elif len(tokens) == 1:
        text = tokens[0].value
    else:
        return None
    if tokens[-1].kind is not Kind.NUMBER:
        return None
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        return None


def _interval(tokens: Sequence[Token]) -> int:
    """``INTERVAL ['-'] 'n' SECOND | MINUTE | HOUR | DAY [(precision)]``, in milliseconds."""
    start, *rest = tokens
    negative = rest[0].upper == "-"
    if rest[0].upper in ("-", "+"):
        rest = rest[1:]
    if not rest or rest[0].kind is not Kind.STRING:
        raise LiteralError("has an interval without quotes: write INTERVAL '10' SECOND", rest[0] if rest else start)
    text, unit = rest[0], rest[1] if len(rest) > 1 else None
    singular = unit.upper.removesuffix("S") if unit else ""
    behind = rest[2:]
    if behind and behind[0].upper == "(" and behind[-1].upper == ")":
        behind = []  # a precision changes what can be stored, not what is meant
    if unit is None or singular not in _UNITS_MS or behind:
        raise LiteralError(
            "has an interval that is not in SECOND, MINUTE, HOUR or DAY: write INTERVAL '90' SECOND",
            behind[0] if behind else unit or text,
        )
    try:
        milliseconds = Decimal(text.value.strip()) * _UNITS_MS[singular]
    except InvalidOperation:
        raise LiteralError(f"has an interval of '{text.value}', which is not a number", text) from None
    except ArithmeticError:
        raise LiteralError("has an interval longer than Flink can hold", text) from None
    if not milliseconds.is_finite():
        raise LiteralError(f"has an interval of '{text.value}', which is not a number", text)
    if abs(milliseconds) > _LONGEST_MS:
        raise LiteralError("has an interval longer than Flink can hold", text)
    if milliseconds % 1:
        raise LiteralError("has an interval that is not a whole number of milliseconds", text)
    return int(-milliseconds if negative else milliseconds)
