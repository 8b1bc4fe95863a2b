"""The log parsers: functions whose value is a record.

Source: "Log Parsing Functions" of AWS's SQL reference. A line that does not fit gives a record of NULLs, as AWS's gave
NULL. Texts that are not described are VARCHAR(1024), named COLUMN1, COLUMN2 and so on. What fields are read by is a
constant, so that each field is one call of a compiled expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from jobs.expand import quote
from jobs.kinesis.functions.declaration import ArgumentFault, Scalar, check_kinds, constant_text, whole_literal
from jobs.kinesis.functions.fast_regex import to_java
from jobs.kinesis.functions.log_columns import UNTYPED, Description, parse_descriptions, typed
from jobs.kinesis.functions.patterns import check_regex, group_count
from jobs.kinesis.functions.web_log import parse_format
from jobs.kinesis.values import RECORD, TIMESTAMP, Value

_SYSTEM_LINE: Final = (
    r"(?s)\A(?:<\d{1,3}>)?((?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) +\d{1,2} \d{2}:\d{2}:\d{2}) (.*)\z"
)
_SYSTEM_TIME: Final = "MMM dd HH:mm:ss"
_MOST_COLUMNS: Final = 1000

#: A field: its name and its value.
Field = tuple[str, Value]


def _regex(values: Sequence[Value]) -> list[Field]:
    """The whole text has to match; each group is a field."""
    regex = constant_text(values, 1, "the expression")
    check_regex(regex, 1)
    groups = group_count(regex)
    if not groups:
        raise ArgumentFault(f"each ( ) of the expression is a field; {regex!r} has none", 1)
    described = _numbered(groups)
    if len(values) == 3:
        described = parse_descriptions(constant_text(values, 2, "the columns"), 2)
        if len(described) != groups:
            raise ArgumentFault(f"{groups} groups, but {len(described)} columns are described", 2)
    whole = quote.text(rf"\A(?:{regex})\z")
    return [
        _field(f"REGEXP_EXTRACT({values[0].sql}, {whole}, {place})", description, 2)
        for place, description in enumerate(described, 1)
    ]


def _fast_regex(values: Sequence[Value]) -> list[Field]:
    try:
        java, fields = to_java(constant_text(values, 1, "the expression"))
    except ValueError as error:
        raise ArgumentFault(str(error), 1) from error
    if not fields:
        raise ArgumentFault("each ( ) of the expression is a field; there is none", 1)

    def part(group: int) -> str:
        return f"REGEXP_EXTRACT({values[0].sql}, {quote.text(java)}, {group})"

    numbered = _numbered(len(fields))
    return [
        _field(part(first) if not more else f"({' || '.join(map(part, (first, *more)))})", description, 1)
        for (first, *more), description in zip(fields, numbered, strict=True)
    ]


def _fixed_columns(values: Sequence[Value]) -> list[Field]:
    """A column that begins behind the end of the line is NULL; one that is cut short by it is what there is."""
    text = values[0].sql
    fields = []
    for description in parse_descriptions(constant_text(values, 1, "the columns"), 1):
        if description.start is None:
            raise ArgumentFault(f"{description.name} needs START and a number, from 0", 1)
        length = "" if description.length is None else f" FOR {description.length}"
        cut = f"SUBSTRING({text} FROM {description.start + 1}{length})"
        if description.start:
            cut = f"CASE WHEN CHAR_LENGTH({text}) > {description.start} THEN {cut} END"
        fields.append(_field(cut, description, 1))
    return fields


def _variable_columns(values: Sequence[Value]) -> list[Field]:
    """Fields the line does not have are NULL; those it has besides are left out."""
    text, delimiter = values[0].sql, constant_text(values, 2, "the delimiter")
    escape = constant_text(values, 3, "the escape") if len(values) > 3 else ""
    quotes = constant_text(values, 4, "the quotes") if len(values) > 4 else ""
    if not delimiter:
        raise ArgumentFault("the delimiter is empty", 2)
    if len(escape) > 1:
        raise ArgumentFault(f"the escape is one character, got {escape!r}", 3)
    if len(quotes) > 2:
        raise ArgumentFault(f"the quotes are one or two characters, got {quotes!r}", 4)
    fields = []
    for place, description in enumerate(_described(values)):
        if escape or quotes:
            split = _quoted_field(text, place, delimiter, escape, quotes)
        else:
            split = f"SPLIT_INDEX({text}, {quote.text(delimiter)}, {place})"
        fields.append(_field(split, description, 1))
    return fields


def _described(values: Sequence[Value]) -> tuple[Description, ...]:
    count = whole_literal(values[1])
    if count is None:
        return parse_descriptions(constant_text(values, 1, "the columns"), 1)
    if not 1 <= count <= _MOST_COLUMNS:
        raise ArgumentFault(f"expected 1..{_MOST_COLUMNS} columns or their descriptions, got {count}", 1)
    return _numbered(count)


def _quoted_field(text: str, place: int, delimiter: str, escape: str, quotes: str) -> str:
    """A field where delimiters may be hidden; its quotes and the escapes of delimiters are taken away."""
    end = re.escape(delimiter)
    special = re.escape(escape)
    plain = rf"(?:{special}(?s:.)|" if escape else "(?:"
    plain += rf"(?!{end}){f'(?!{special})' if escape else ''}(?s:.))*+"
    field, inner = plain, f"({plain})"
    if quotes:
        opening, closing = re.escape(quotes[0]), re.escape(quotes[-1])
        content = rf"(?:{special}(?s:.)|(?!{closing})(?s:.))*+" if escape else rf"(?:(?!{closing})(?s:.))*+"
        behind = rf"(?={end}|\z)"
        field = rf"(?>{opening}{content}{closing}{behind}|{plain})"
        inner = rf"(?>{opening}({content}){closing}{behind}|({plain}))"
    skipped = rf"(?:{field}{end}){{{place}}}" if place else ""
    regex = quote.text(rf"\A{skipped}{inner}(?:{end}|\z)")
    found = f"REGEXP_EXTRACT({text}, {regex}, 1)"
    if quotes:
        found = f"COALESCE({found}, REGEXP_EXTRACT({text}, {regex}, 2))"
    if escape:
        found = f"REPLACE({found}, {quote.text(escape + delimiter)}, {quote.text(delimiter)})"
    return found


def _system_log(values: Sequence[Value]) -> list[Field]:
    """Time and message. The lines name no year, so it is 1970, as for any pattern without one; a 29 February, which
    1970 has not, is NULL."""
    line = quote.text(_SYSTEM_LINE)
    time, message = (f"REGEXP_EXTRACT({values[0].sql}, {line}, {place})" for place in (1, 2))
    read = replace(typed(time, Description("COLUMN1", TIMESTAMP, _SYSTEM_TIME), 0), failures=())
    return [("COLUMN1", read), _field(message, Description("COLUMN2", UNTYPED), 0)]


def _web_log(values: Sequence[Value]) -> list[Field]:
    """A dash for a number is NULL."""
    try:
        form = parse_format(constant_text(values, 1, "the format"))
    except ValueError as error:
        raise ArgumentFault(str(error), 1) from error
    fields = []
    for place, kind in enumerate(form.types, 1):
        sql = f"REGEXP_EXTRACT({values[0].sql}, {quote.text(form.regex)}, {place})"
        name = f"COLUMN{place}"
        if kind.is_numeric:  # digits or a dash: the expression saw to it
            fields.append((name, Value(f"TRY_CAST({sql} AS {kind.flink})", kind)))
        else:
            fields.append(_field(sql, Description(name, kind), 1))
    return fields


def _field(sql: str, description: Description, argument: int) -> Field:
    return description.name, typed(sql, description, argument)


def _numbered(count: int) -> tuple[Description, ...]:
    return tuple(Description(f"COLUMN{place}", UNTYPED) for place in range(1, count + 1))


def _parser(low: int, high: int, fields: Callable[[Sequence[Value]], list[Field]]) -> Scalar:
    """A log parser; its first argument is the line, which is what the record is until a field of it is used."""

    def build(values: Sequence[Value]) -> Value:
        check_kinds(values[:1], "s")
        line = values[0]
        templates = {name: (value.sql, value.type) for name, value in fields([replace(line, sql=RECORD), *values[1:]])}
        failures = [failure for _, value in fields(values) for failure in value.failures]
        return Value(
            line.sql,
            None,
            tuple(dict.fromkeys(failures)),
            fields={name: (sql, kind) for name, (sql, kind) in templates.items() if kind is not None},
        )

    return Scalar(low, high, build)


SCALARS: Final[Mapping[str, Scalar]] = {
    "REGEX_LOG_PARSE": _parser(2, 3, _regex),
    "FAST_REGEX_LOG_PARSE": _parser(2, 2, _fast_regex),
    "FAST_REGEX_LOG_PARSER": _parser(2, 2, _fast_regex),
    "FIXED_COLUMN_LOG_PARSE": _parser(2, 2, _fixed_columns),
    "VARIABLE_COLUMN_LOG_PARSE": _parser(3, 5, _variable_columns),
    "SYS_LOG_PARSE": _parser(1, 1, _system_log),
    "W3C_LOG_PARSE": _parser(2, 2, _web_log),
}
