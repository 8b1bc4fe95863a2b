"""Why a JSON record cannot be a row of its table: the reasons that rejects carry.

The SQL of a source decides *whether* a record is good, at full speed; this code runs only for those that are not and
finds the reason. Both follow the same contract, `RecordContract`: a JSON object whose values have the JSON type of
their column, all finite, with a time that can be true. `tests/jobs/test_strict_reading.py` holds them to each other.
"""

from __future__ import annotations

import json
import math
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any, Final

from udfs.functions.declaration import base_type

#: Flink's JSON parser stops at 1000 levels, and the record is one inside.
DEEPEST_NESTING: Final = 999
#: Its other limits: digits of a number, those of the exponent included, and characters of a field's name.
LONGEST_NUMBER: Final = 1_000
LONGEST_NAME: Final = 50_000

_BITS: Final = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
_NUMBERS: Final = frozenset({*_BITS, "FLOAT", "DOUBLE", "DECIMAL"})
_TEXTS: Final = frozenset({"STRING", "VARCHAR", "CHAR"})
_NOT_FINITE_WORDS: Final = frozenset({"nan", "infinity", "+infinity", "-infinity", "inf", "-inf", "+inf"})

_NUMBER_TEXT: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
#: A fraction of zeros is none, as long as the number is short enough to be held as a decimal.
_WHOLE_TEXT: Final = re.compile(r"-?\d+(\.0{1,18})?", re.ASCII)

_DAY: Final = r"(?!0000)\d{4}-\d\d-\d\d"
_CLOCK: Final = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"


def time_pattern(sql_type: str, sql_timestamps: bool) -> str | None:
    """Regular expression of the texts that are a time of this type, in Java and in Python; None for other types.

    Whether the day exists is another question: no pattern knows leap years.
    """
    between = " " if sql_timestamps else "T"
    return {
        "TIMESTAMP_LTZ": f"{_DAY}{between}{_CLOCK}Z",
        "TIMESTAMP": f"{_DAY}{between}{_CLOCK}",
        "DATE": _DAY,
        "TIME": _CLOCK,
    }.get(base_type(sql_type))


@dataclass(frozen=True)
class ColumnContract:
    """One column that comes out of the JSON object.

    Parameters
    ----------
    name
        Its name, also in the JSON object.
    sql_type
        As declared: ``DOUBLE``, ``DECIMAL(10, 2)``, ``TIMESTAMP_LTZ(3)``.
    required
        NOT NULL, or the time attribute.
    key
        A partition column of a call; its absence is `key_missing`.
    """

    name: str
    sql_type: str
    required: bool = False
    key: bool = False


@dataclass(frozen=True)
class RecordContract:
    """What a record of a source has to be.

    Parameters
    ----------
    columns
        The columns that come out of JSON.
    max_length
        Records of more characters are refused unread.
    sql_timestamps
        Times are written ``2026-01-31 10:00:00.000`` (Flink's ``SQL`` standard) rather than with a ``T``.
    timed
        The table has a time attribute, from a column or computed.
    """

    columns: tuple[ColumnContract, ...]
    max_length: int
    sql_timestamps: bool = False
    timed: bool = True


def reason(raw: bytes | None, contract: RecordContract) -> tuple[str, str]:
    """Why `raw` is not a row: one of the fixed reasons, and a sentence.

    Parameters
    ----------
    raw
        The record's value as it lies in Kafka; None is a tombstone.
    contract
        What it should have been.

    Returns
    -------
    tuple
        ``(reason, detail)``. A record that breaks nothing here but its time's range gives ``time_out_of_range``: that
        rule needs the record's own Kafka timestamp, and a computed time its expression, so the SQL alone decides it.
    """
    if raw is None:
        return "tombstone", "the record has no value"
    if not raw.strip():
        return "empty", f"the value has {len(raw)} bytes and nothing in it"
    text = raw.decode("utf-8", "replace")
    if len(text) > contract.max_length:
        return "too_large", f"{len(text)} characters, at most {contract.max_length} are read"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return "not_utf8", f"byte {raw[error.start]:#04x} at position {error.start}: {error.reason}"
    depth = _depth(text)
    if depth > DEEPEST_NESTING:
        return "too_deep", f"nested {depth} deep, at most {DEEPEST_NESTING} is read"
    record = _Record()
    try:
        document = record.read(text)
    except ValueError as error:
        return "not_json", str(error)
    if not isinstance(document, dict):
        return "not_an_object", f"the value is {_json_type(document)}, expected an object"
    if record.refusal is not None:
        return record.refusal
    for column in contract.columns:
        found = _column_reason(column, document, contract)
        if found is not None:
            return found
    if contract.timed:
        return "time_out_of_range", "the event time is NULL, or too far from when Kafka received the record"
    return "wrong_type", "a value is not what its column takes"


class _Number(str):
    """The text of a JSON number."""


class _Record:
    """One parsed record; `refusal` says what of it is legal JSON to Python but not to Flink's parser."""

    def __init__(self) -> None:
        self.refusal: tuple[str, str] | None = None

    def read(self, text: str) -> Any:
        with _deep_stack():
            return json.loads(
                text,
                parse_int=self._number,
                parse_float=self._number,
                parse_constant=self._constant,
                object_pairs_hook=self._object,
            )

    def _refuse(self, reason: str, detail: str) -> None:
        self.refusal = self.refusal or (reason, detail)

    def _constant(self, word: str) -> None:
        self._refuse("not_finite", f"{word} is not a number in JSON")

    def _number(self, text: str) -> _Number:
        if len(text) > LONGEST_NUMBER:
            digits = sum(letter.isdigit() for letter in text)
            if digits > LONGEST_NUMBER:
                self._refuse("too_large", f"a number of {digits} digits, at most {LONGEST_NUMBER} are read")
        return _Number(text)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for name, _ in pairs:
            if len(name) > LONGEST_NAME:
                self._refuse("too_large", f"a field name of {len(name)} characters, at most {LONGEST_NAME} are read")
        return dict(pairs)


@contextmanager
def _deep_stack() -> Iterator[None]:
    """Room for the deepest record: Python's own limit is about as low, and counts its callers too."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 2 * DEEPEST_NESTING)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _column_reason(
    column: ColumnContract, document: dict[str, Any], contract: RecordContract
) -> tuple[str, str] | None:
    value = document.get(column.name)
    if value is None:
        if not column.required:
            return None
        state = "is null" if column.name in document else "is not there"
        return ("key_missing" if column.key else "missing_field"), f"{column.name} {state}"
    return _value_reason(column.name, column.sql_type, value, contract)


def _value_reason(name: str, sql_type: str, value: Any, contract: RecordContract) -> tuple[str, str] | None:
    base = base_type(sql_type)
    said = f"{name} is {_json_type(value)}, expected {sql_type}"
    if base in _NUMBERS:
        return _number_reason(name, sql_type, value, said)
    if base == "BOOLEAN":
        return None if isinstance(value, bool) else ("wrong_type", said)
    if base == "ARRAY":
        if not isinstance(value, list):
            return "wrong_type", said
        return _elements_reason(name, sql_type, value, contract)
    if _json_type(value) != "a string":
        return "wrong_type", said
    if base not in _TEXTS and not _is_time(value, sql_type, contract):
        return "wrong_type", f"{name}: {value[:60]!r} is not a {sql_type}"
    return None


def _elements_reason(name: str, sql_type: str, values: list[Any], contract: RecordContract) -> tuple[str, str] | None:
    """The SQL casts elements from their text: a number in quotes is one, and everything has a text."""
    element = sql_type.partition("<")[2].rpartition(">")[0].strip()
    if base_type(element) in _TEXTS:
        return None
    for i, value in enumerate(values):
        unquoted = _Number(value) if type(value) is str and _NUMBER_TEXT.fullmatch(value) else value
        found = None if value is None else _value_reason(f"{name}[{i}]", element, unquoted, contract)
        if found is not None:
            return found
    return None


def _number_reason(name: str, sql_type: str, value: Any, said: str) -> tuple[str, str] | None:
    if not isinstance(value, _Number):
        if isinstance(value, str) and value.strip().lower() in _NOT_FINITE_WORDS:
            return "not_finite", f"{name} is {value!r}"
        return "wrong_type", said
    base = base_type(sql_type)
    shown = value if len(value) <= 40 else f"{value[:40]}..."
    if base in _BITS:
        if _WHOLE_TEXT.fullmatch(value) is None:
            return "wrong_type", f"{name} is {shown}, expected {sql_type}"
        if not -(1 << _BITS[base]) <= int(value.partition(".")[0]) < (1 << _BITS[base]):
            return "wrong_type", f"{name} is {shown}, which does not fit {sql_type}"
    elif base == "DECIMAL":
        if not _fits_decimal(value, sql_type):
            return "wrong_type", f"{name} is {shown}, which does not fit {sql_type}"
    elif not _is_finite(float(value), base):
        return "not_finite", f"{name} is {shown}, more than a {base} can hold"
    return None


def _is_finite(number: float, base: str) -> bool:
    if base == "FLOAT":
        try:
            struct.pack("<f", number)
        except OverflowError:
            return False
    return math.isfinite(number)


def _fits_decimal(text: str, sql_type: str) -> bool:
    sizes = [int(size) for size in re.findall(r"\d+", sql_type)]
    precision, scale = (*sizes, *(10, 0)[len(sizes) :])
    try:
        with localcontext(prec=2 * LONGEST_NUMBER):
            rounded = Decimal(text).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
            return abs(rounded) < Decimal(10) ** (precision - scale)
    except InvalidOperation:  # an exponent beyond any column
        return abs(float(text)) < 1


def _is_time(text: str, sql_type: str, contract: RecordContract) -> bool:
    """Whether a text is a time as the table's JSON format writes it, of a day there is."""
    pattern = time_pattern(sql_type, contract.sql_timestamps)
    if pattern is None or re.fullmatch(pattern, text, re.ASCII) is None:
        return False
    try:
        return base_type(sql_type) == "TIME" or bool(date.fromisoformat(text[:10]))
    except ValueError:
        return False


def _depth(text: str) -> int:
    """Deepest nesting of braces and brackets outside of strings; no recursion, so any depth can be told."""
    deepest = depth = 0
    in_string = escaped = False
    for letter in text:
        if in_string:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                in_string = False
        elif letter == '"':
            in_string = True
        elif letter in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "}]":
            depth -= 1
    return deepest


def _json_type(value: Any) -> str:
    names = {
        bool: "a boolean",
        _Number: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
