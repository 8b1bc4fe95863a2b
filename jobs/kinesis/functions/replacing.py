"""REGEX_REPLACE: Java's ``replaceAll``, from a position on, of all matches or of one.

Flink's REGEXP_REPLACE takes the replacement literally. One that names groups can be composed where a single match is
replaced, not where all are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jobs.expand import quote
from jobs.kinesis.functions.declaration import ArgumentFault, check_kinds, constant_text, whole_literal
from jobs.kinesis.functions.patterns import check_regex, group_count, replacement_parts
from jobs.kinesis.values import VARCHAR, Value


def regex_replace(values: Sequence[Value]) -> Value:
    """``REGEX_REPLACE(original, regex, replacement[, start[, occurrence]])``; start 1 and occurrence 0, all, if not
    given. NULL where an argument is NULL."""
    check_kinds(values, "sssnn")
    source, regex = values[0].sql, constant_text(values, 1, "the regular expression")
    check_regex(regex, 1)
    try:
        parts = replacement_parts(constant_text(values, 2, "the replacement"))
    except ValueError as error:
        raise ArgumentFault(str(error), 2) from error
    first, which = _whole(values, 3, 1, "start"), _whole(values, 4, 0, "occurrence")
    text = source if first == 1 else f"SUBSTRING({source} FROM {first})"
    done = _replace_all(text, regex, parts) if which == 0 else _replace_one(text, regex, parts, which)
    if first > 1:
        done = (
            f"CASE WHEN CHAR_LENGTH({source}) >= {first} THEN LEFT({source}, {first - 1}) || {done} ELSE {source} END"
        )
    return Value(done, VARCHAR)


def _whole(values: Sequence[Value], index: int, default: int, name: str) -> int:
    """A number that is written out; its default is also the least it may be."""
    if index >= len(values):
        return default
    found = whole_literal(values[index])
    if found is None or found < default:
        raise ArgumentFault(f"{name} must be a number that is written out, {default} or more", index)
    return found


def _replace_all(text: str, regex: str, parts: Sequence[str | int]) -> str:
    if any(isinstance(part, int) for part in parts):
        raise ArgumentFault("groups such as $1 can be kept for one match (occurrence 1, 2, ...), not for all", 2)
    return f"REGEXP_REPLACE({text}, {quote.text(regex)}, {quote.text(''.join(map(str, parts)))})"


def _replace_one(text: str, regex: str, parts: Sequence[str | int], which: int) -> str:
    """The match is found once, with what stands before and behind it; atomic groups keep it the match it is."""
    groups = group_count(regex)
    if re.search(r"\\[1-9k]", regex):
        raise ArgumentFault("an expression that refers back to a group can be kept for occurrence 0 only", 1)
    if which > 1 and groups:
        raise ArgumentFault("an expression with groups can be kept for occurrence 0 and 1 only", 4)
    skipped = f"(?>.*?(?:{regex})){{{which - 1}}}" if which > 1 else ""
    whole = quote.text(f"(?s)\\A(?=({skipped}.*?)(?-s:({regex}))(.*)\\z)")
    pieces = [f"REGEXP_EXTRACT({text}, {whole}, 1)"]
    for part in parts:
        if isinstance(part, str):
            pieces.append(quote.text(part))
        elif part > groups:
            raise ArgumentFault(f"the expression has {groups} groups, got ${part}", 2)
        else:
            pieces.append(f"COALESCE(REGEXP_EXTRACT({text}, {whole}, {part + 2}), '')")
    pieces.append(f"REGEXP_EXTRACT({text}, {whole}, {groups + 3})")
    return f"COALESCE({' || '.join(pieces)}, {text})"
