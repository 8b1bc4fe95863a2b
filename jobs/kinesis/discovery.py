"""The schema of a topic, inferred from a sample of its records as AWS's discovery did.

Source: "Using the Schema Discovery Feature on Streaming Data" of AWS's developer guide (names), "Mapping Streaming
Source Elements to SQL Input Columns" (what JSON becomes). The guide does not say how types were found. What is done
here: the smallest of TINYINT, SMALLINT, INTEGER and BIGINT that holds every whole number seen, DOUBLE for others,
VARCHAR of the next power of two, TIMESTAMP and DATE for texts that are one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.errors import UsageError
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.json_path import EACH, JsonPath, Step
from jobs.kinesis.reserved_words import RESERVED
from jobs.kinesis.source_tables import Source, SourceColumn

STREAM: Final = "SOURCE_SQL_STREAM_001"

_INTEGERS: Final = (("TINYINT", 2**7), ("SMALLINT", 2**15), ("INTEGER", 2**31), ("BIGINT", 2**63))
_DATE: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_TIMESTAMP: Final = re.compile(_DATE.pattern + r"[ T](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z?")
_DELIMITERS: Final = (",", "\t", "|", ";")
_LONGEST_NAME: Final = 100
_LONGEST_TEXT: Final = 65534
# records that are of another kind than most are left out, up to this share
_ODD_SHARE: Final = 0.2


@dataclass(frozen=True)
class Discovery:
    """What a sample says.

    Attributes
    ----------
    source
        The stream, as ``sources.toml`` has it.
    read, odd
        Records the schema comes from, and those that are of another kind than most and were left out.
    """

    source: Source
    read: int
    odd: int


def discover(topic: str, records: Sequence[bytes], *, stream: str = STREAM) -> Discovery:
    """Infer the schema of a topic.

    Parameters
    ----------
    topic
        Its name.
    records
        A sample of its values, in any order; the more, the surer the types.
    stream
        The name of the in-application stream.

    Raises
    ------
    UsageError
        There are no records, or they are no UTF-8 texts.
    """
    texts = [text for record in records if (text := _text(record))]
    if not texts:
        raise UsageError(f"topic {topic!r}: none of {len(records)} records is a UTF-8 text with something in it")
    objects = [found for text in texts if isinstance(found := _parsed(text), dict)]
    if len(objects) >= (1 - _ODD_SHARE) * len(texts):
        columns = _json_columns(objects)
        if columns:
            return Discovery(Source(stream, topic, columns), len(objects), len(records) - len(objects))
        raise UsageError(f"topic {topic!r}: the records are JSON objects without members")
    return _csv(topic, texts, stream, len(records))


def _text(record: bytes) -> str:
    try:
        return record.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        return ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# ---------------------------------------------------------------- JSON


@dataclass
class _Seen:
    """The values of one place of the records."""

    values: list[Any] = field(default_factory=list)


def _json_columns(objects: Iterable[dict[str, Any]]) -> tuple[SourceColumn, ...]:
    """Members of members get paths; the elements of the first array of objects become rows."""
    places: dict[tuple[Step, ...], _Seen] = {}
    unrolled: list[tuple[Step, ...]] = []

    def visit(value: Any, steps: tuple[Step, ...]) -> None:
        if isinstance(value, dict) and value and steps:
            members(value, steps)
        elif isinstance(value, list):
            elements = [one for one in value if isinstance(one, dict)]
            if elements and len(elements) == len(value) and EACH not in steps and unrolled in ([], [steps]):
                if not unrolled:
                    unrolled.append(steps)
                for element in elements:
                    members(element, (*steps, EACH))
            elif steps not in unrolled:
                place = steps if EACH in steps else (*steps, EACH)  # a path has room for one [0:]
                places.setdefault(place, _Seen()).values.append(value)
        else:
            places.setdefault(steps, _Seen()).values.append(value)

    def members(value: dict[str, Any], steps: tuple[Step, ...]) -> None:
        for name, one in value.items():
            visit(one, (*steps, name))

    for one in objects:
        members(one, ())
    # a member that is an object in some records and null or missing in others is the object's members
    inner = {steps[:place] for steps in places for place in range(1, len(steps))}
    kept = {steps: seen for steps, seen in places.items() if steps not in inner or any(map(_is_known, seen.values))}
    names = _column_names(list(kept))
    return tuple(
        SourceColumn(name, found, JsonPath(steps), guess=why)
        for (steps, seen), name in zip(kept.items(), names, strict=True)
        for found, why in [_type_of(seen.values)]
    )


def _is_known(value: Any) -> bool:
    return value is not None


def _column_names(places: Sequence[tuple[Step, ...]]) -> list[str]:
    """The member's own name where it is the only one, else with those it stands in."""
    words = [[step for step in steps if isinstance(step, str)] for steps in places]
    found: list[str] = []
    for order, parts in enumerate(words):
        own = sum(other[-1] == parts[-1] for other in words) == 1
        found.append(column_name(parts[-1] if own else "_".join(parts), order))
    return [name if found.index(name) == order else f"{name}_{order}" for order, name in enumerate(found)]


def column_name(name: str, order: int) -> str:
    """A column's name for a member's: as AWS named it, with COL_ where a name cannot stay what it is.

    Parameters
    ----------
    name
        Of the member.
    order
        The column's place, from 0: its name where nothing of the member's own can be kept.
    """
    kept = re.sub(r"[^A-Za-z0-9_]", "", name)
    if not kept:
        return f"COL_{order}"
    if kept != name or kept[0].isdigit() or len(kept) > _LONGEST_NAME or kept.upper() in RESERVED:
        return f"COL_{kept}"[:_LONGEST_NAME]
    return kept


# ---------------------------------------------------------------- csv


def _csv(topic: str, texts: Sequence[str], stream: str, records: int) -> Discovery:
    for delimiter in _DELIMITERS:
        rows = [text.split(delimiter) for text in texts]
        width = max({len(row) for row in rows}, key=lambda size: sum(len(row) == size for row in rows))
        fitting = [row for row in rows if len(row) == width]
        if width > 1 and len(fitting) >= (1 - _ODD_SHARE) * len(rows):
            columns = tuple(_csv_column(place, [row[place] for row in fitting]) for place in range(width))
            source = Source(stream, topic, columns, "csv", delimiter)
            return Discovery(source, len(fitting), records - len(fitting))
    longest = _text_type(max(map(len, texts)))
    column = SourceColumn("COL_0", longest, guess="neither JSON nor csv: the whole record")
    # a character that stands in no text
    return Discovery(Source(stream, topic, (column,), "csv", "\x01"), len(texts), records - len(texts))


def _csv_column(order: int, values: Sequence[str]) -> SourceColumn:
    found, why = _type_of([_number(value.strip()) for value in values])
    return SourceColumn(f"COL_{order}", found, guess=why)


def _number(text: str) -> Any:
    """What the text says: a number, nothing, or itself."""
    if not text:
        return None
    readers: tuple[Callable[[str], Any], ...] = (int, float)
    if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text):
        for read in readers:
            try:
                return read(text)
            except ValueError:
                continue
    return text


# ---------------------------------------------------------------- types


def _type_of(values: Sequence[Any]) -> tuple[ColumnType, str | None]:
    """A type that holds all values, and why it may not hold the next one."""
    known = [value for value in values if value is not None]
    if not known:
        return ColumnType("VARCHAR", length=16), "no value seen"
    if all(isinstance(value, bool) for value in known):
        return ColumnType("BOOLEAN"), None
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return _number_type(known)
    if all(isinstance(value, str) for value in known):
        for name, pattern in (("TIMESTAMP", _TIMESTAMP), ("DATE", _DATE)):
            if all(pattern.fullmatch(value) for value in known):
                return ColumnType(name), None
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in known]
    kinds = sorted({_kind(value) for value in known})
    return _text_type(max(map(len, texts))), None if len(kinds) == 1 else f"seen as {' and as '.join(kinds)}"


def _number_type(values: Sequence[int | float]) -> tuple[ColumnType, str | None]:
    if all(isinstance(value, int) for value in values):
        low, high = min(values), max(values)
        for name, limit in _INTEGERS:
            if -limit <= low and high < limit:
                small = name in ("TINYINT", "SMALLINT")
                return ColumnType(name), f"seen {low}..{high}; INTEGER if more may come" if small else None
        return ColumnType("DOUBLE"), "whole numbers beyond BIGINT"
    return ColumnType("DOUBLE"), None


def _text_type(longest: int) -> ColumnType:
    """At least four characters, then powers of two."""
    return ColumnType("VARCHAR", length=min(max(4, 2 ** math.ceil(math.log2(max(longest, 1)))), _LONGEST_TEXT))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else "an array or object"
