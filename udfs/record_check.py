"""Why a JSON record cannot be a row of its table: the reasons that rejects carry.

The SQL of a source decides *whether* a record is good, at full speed; this code runs only for those that are not and
finds the reason. Both follow the same contract, `RecordContract`: a JSON object whose values have the JSON type of
their column, all finite, with a time that can be true.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

#: Deeper JSON is refused by Flink's parser.
DEEPEST_NESTING: Final = 1000

_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT"})
_NUMBERS: Final = _WHOLE | {"FLOAT", "DOUBLE", "DECIMAL"}
_BITS: Final = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
_NOT_FINITE_WORDS: Final = frozenset({"nan", "infinity", "+infinity", "-infinity", "inf", "-inf", "+inf"})
_LARGEST: Final = {"FLOAT": 3.4028234663852886e38, "DOUBLE": 1.7976931348623157e308}


@dataclass(frozen=True)
class ColumnContract:
    """One column that comes out of the JSON object.

    Parameters
    ----------
    name
        Its name, also in the JSON object.
    base_type
        SQL type without parameters: ``DOUBLE``, ``TIMESTAMP_LTZ``.
    required
        NOT NULL, or the time attribute.
    key
        A partition column of a call; its absence is `key_missing`.
    time
        The time attribute.
    """

    name: str
    base_type: str
    required: bool = False
    key: bool = False
    time: bool = False


@dataclass(frozen=True)
class RecordContract:
    """What a record of a source has to be.

    Parameters
    ----------
    columns
        The columns that come out of JSON.
    max_bytes
        Longer records are refused unread.
    sql_timestamps
        Times are written ``2026-01-31 10:00:00.000`` (Flink's ``SQL`` standard) rather than with a ``T``.
    """

    columns: tuple[ColumnContract, ...]
    max_bytes: int
    sql_timestamps: bool = False


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
        ``(reason, detail)``. A record that breaks nothing here but its time's range gives ``time_out_of_range``:
        that rule needs the record's own Kafka timestamp, so the SQL alone decides it.
    """
    if raw is None:
        return "tombstone", "the record has no value"
    if not raw.strip():
        return "empty", f"the value has {len(raw)} bytes and nothing in it"
    if len(raw) > contract.max_bytes:
        return "too_large", f"{len(raw)} bytes, at most {contract.max_bytes} are read"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return "not_utf8", f"byte {raw[error.start]:#04x} at position {error.start}: {error.reason}"
    depth = _depth(text)
    if depth > DEEPEST_NESTING:
        return "too_deep", f"nested {depth} deep, at most {DEEPEST_NESTING} is read"
    not_finite: list[str] = []
    try:
        document = json.loads(text, parse_constant=not_finite.append)
    except (ValueError, RecursionError) as error:
        return "not_json", str(error)
    if not isinstance(document, dict):
        return "not_an_object", f"the value is {_json_type(document)}, expected an object"
    if not_finite:
        return "not_finite", f"{not_finite[0]} is not a number in JSON"
    for column in contract.columns:
        found = _column_reason(column, document, contract)
        if found is not None:
            return found
    return "time_out_of_range", "the event time is too far from the time at which Kafka received the record"


def _column_reason(
    column: ColumnContract, document: dict[str, Any], contract: RecordContract
) -> tuple[str, str] | None:
    value = document.get(column.name)
    if value is None:
        if not column.required:
            return None
        state = "is null" if column.name in document else "is not there"
        return ("key_missing" if column.key else "missing_field"), f"{column.name} {state}"
    said = f"{column.name} is {_json_type(value)}, expected {column.base_type}"
    match column.base_type:
        case kind if kind in _NUMBERS:
            return _number_reason(kind, column.name, value, said)
        case "BOOLEAN":
            return None if isinstance(value, bool) else ("wrong_type", said)
        case "STRING" | "VARCHAR" | "CHAR":
            return None if isinstance(value, str) else ("wrong_type", said)
        case _:
            if not isinstance(value, str):
                return "wrong_type", said
            if column.base_type.startswith("TIMESTAMP") and not _is_time(value, column.base_type, contract):
                return "wrong_type", f"{column.name}: {value[:60]!r} is not a {column.base_type}"
            return None


def _number_reason(kind: str, name: str, value: Any, said: str) -> tuple[str, str] | None:
    if isinstance(value, str) and value.strip().lower() in _NOT_FINITE_WORDS:
        return "not_finite", f"{name} is {value!r}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "wrong_type", said
    if kind in _WHOLE:
        if isinstance(value, float):
            return "wrong_type", f"{name} is {value!r}, expected {kind}"
        if not -(1 << _BITS[kind]) <= value < (1 << _BITS[kind]):
            return "wrong_type", f"{name} does not fit {kind}"
    elif isinstance(value, float) and not math.isfinite(value):
        return "not_finite", f"{name} is larger than a double can hold"
    elif kind in _LARGEST and abs(value) > _LARGEST[kind]:
        return "not_finite", f"{name} is larger than a {kind} can hold"
    return None


_ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(?P<zone>Z?)")
_SQL_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})?(?P<zone>Z?)")


def _is_time(text: str, base_type: str, contract: RecordContract) -> bool:
    """Whether a text is a time as the table's JSON format writes it; that it names a real day is checked by SQL."""
    shape = (_SQL_TIME if contract.sql_timestamps else _ISO_TIME).fullmatch(text)
    return shape is not None and (shape["zone"] == "Z") == (base_type == "TIMESTAMP_LTZ")


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
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
