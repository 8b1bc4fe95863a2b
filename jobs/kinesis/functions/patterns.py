"""What has to be known of regular expressions without running them: groups, replacements, SIMILAR patterns."""

from __future__ import annotations

import re

from jobs.kinesis.functions.declaration import ArgumentFault

_SIMILAR_WILD = {"%": ".*", "_": "."}
_JAVA_SPECIAL = frozenset("\\^$.{}")


def group_count(regex: str) -> int:
    """The number of capturing groups of a Java expression.

    Raises
    ------
    ValueError
        A group or a class is not closed, or closed without being open.
    """
    count = depth = place = 0
    while place < len(regex):
        char = regex[place]
        if regex.startswith("\\Q", place):
            end = regex.find("\\E", place)
            place = len(regex) if end < 0 else end + 2
            continue
        if char == "\\":
            place += 2
            continue
        if char == "[":
            place = _behind_class(regex, place)
            continue
        if char == "(":
            depth += 1
            named = re.match(r"\(\?<[A-Za-z]", regex[place:])
            count += not regex.startswith("(?", place) or named is not None
        elif char == ")":
            depth -= 1
            if depth < 0:
                raise ValueError(f"there is a ) too many at character {place + 1} of the expression {regex!r}")
        place += 1
    if depth:
        raise ValueError(f"a ) is missing in the expression {regex!r}")
    return count


def check_regex(regex: str, index: int) -> None:
    """Refuse an expression with a group or class that is not closed.

    Raises
    ------
    ArgumentFault
        About the argument of this index.
    """
    try:
        group_count(regex)
    except ValueError as error:
        raise ArgumentFault(str(error), index) from error


def _behind_class(regex: str, start: int) -> int:
    """Where a character class ends; classes of Java may stand in each other."""
    depth, place = 0, start
    while place < len(regex):
        char = regex[place]
        if char == "\\":
            place += 2
            continue
        if char == "[":
            depth += 1
            place += 1 + regex.startswith("^", place + 1)
            if regex.startswith("]", place):  # a bracket that comes first stands for itself
                place += 1
            continue
        if char == "]":
            depth -= 1
            if depth == 0:
                return place + 1
        place += 1
    raise ValueError(f"a ] is missing in the expression {regex!r}")


def replacement_parts(replacement: str) -> tuple[str | int, ...]:
    """The texts and group numbers of a replacement as Java's ``replaceAll`` reads it.

    Raises
    ------
    ValueError
        A ``$`` without a group number, or a backslash at the end; or a group by name, which is not kept.
    """
    parts: list[str | int] = []
    text, place = "", 0
    while place < len(replacement):
        char = replacement[place]
        if char == "\\":
            if place + 1 == len(replacement):
                raise ValueError(f"the replacement {replacement!r} ends in a single backslash")
            text += replacement[place + 1]
            place += 2
        elif char == "$":
            if place + 1 == len(replacement) or not replacement[place + 1].isdigit():
                raise ValueError(
                    f"a $ in the replacement must name a group, $1, or be written \\$; got {replacement!r}"
                )
            parts += [text, int(replacement[place + 1])]
            text = ""
            place += 2
        else:
            text += char
            place += 1
    return tuple(part for part in (*parts, text) if part != "")


def similar_to_java(pattern: str, escape: str | None, *, shortest: bool = False) -> str:
    """A SIMILAR pattern as a Java expression without groups of its own: % any text, _ any character.

    ``shortest`` makes % as short as it can be.
    """
    out, place = "", 0
    while place < len(pattern):
        char = pattern[place]
        if escape is not None and char == escape and place + 1 < len(pattern):
            out += re.escape(pattern[place + 1])
            place += 2
            continue
        if char == "(":
            out += "(?:"
        elif char in _SIMILAR_WILD:
            out += _SIMILAR_WILD[char] + ("?" if shortest and char == "%" else "")
        else:
            out += f"\\{char}" if char in _JAVA_SPECIAL and char not in "{}" else char
        place += 1
    return out
