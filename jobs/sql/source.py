"""A pipeline file and the values of its placeholders.

``${name}`` stands for a value that ``--set name=value`` gives; ``${name:-default}`` may go without. Filling
is strict: a placeholder without a value and a value without a placeholder are both errors. Inside a text or a
quoted name the value is part of that text, so its quotes are doubled; elsewhere it is SQL as it stands.
Comments are left alone, hints are not. ``$${`` is a plain ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.sql.located import File, LocatedText, Piece
from jobs.sql.suggest import did_you_mean

_PLACEHOLDER: Final = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<given>:-(?P<default>[^}]*))?\}")
_PARTS: Final = re.compile(
    r"(?P<comment>(?:--|//)[^\n\r]*|/\*(?!\+).*?(?:\*/|\Z))"
    r"|(?P<quote>['`])|(?P<literal>\$\$\{)|(?P<place>\$\{)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Placeholder:
    """One ``${name}`` of a file: where it stands, its default, the quote it stands in (empty: none)."""

    name: str
    default: str | None
    start: int
    end: int
    quote: str


def read_source(path: Path, values: Mapping[str, str] | None = None) -> LocatedText:
    """A pipeline file with its placeholders filled.

    Parameters
    ----------
    path
        The file, in UTF-8; messages show it as it is given.
    values
        What ``--set`` gave.

    Raises
    ------
    SqlError
        The file is not there or not UTF-8, or as for `fill`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        read = error.object[: error.start].decode("utf-8", "replace")
        raise File(str(path), read).error("not UTF-8 from here on: save the file as UTF-8", len(read)) from error
    except OSError as error:
        raise File(str(path), "").error(f"cannot be read: {error.strerror or error}") from error
    return fill(File(str(path), text), values or {})


def fill(file: File, values: Mapping[str, str]) -> LocatedText:
    """The text of a file with its placeholders filled.

    Raises
    ------
    SqlError
        A placeholder has no value, is written wrongly or has two defaults; a value belongs to no placeholder.
    """
    placeholders, literals = find_placeholders(file)
    defaults = _defaults(file, placeholders)
    missing = list(dict.fromkeys(p.name for p in placeholders if p.name not in values and defaults[p.name] is None))
    if missing:
        first = next(p for p in placeholders if p.name == missing[0])
        others = f" (and {', '.join(f'--set {name}=...' for name in missing[1:])})" if missing[1:] else ""
        raise file.error(f"${{{missing[0]}}} has no value: give --set {missing[0]}=...{others}", first.start)
    for name in values:
        if name not in defaults:
            known = ", ".join(f"${{{other}}}" for other in sorted(defaults)) or "none"
            hint = did_you_mean(name, defaults) or f"; it has {known}"
            raise file.error(f"--set {name}: the file has no placeholder ${{{name}}}{hint}")
    return _filled(file, placeholders, literals, {**defaults, **values})


def find_placeholders(file: File) -> tuple[tuple[Placeholder, ...], tuple[int, ...]]:
    """The placeholders of a file, and the offsets of ``$${``.

    Raises
    ------
    SqlError
        ``${`` is not followed by a name and a brace.
    """
    found: list[Placeholder] = []
    literals: list[int] = []
    quote, at = "", 0
    while match := _PARTS.search(file.text, at):
        at = match.end()
        if match["literal"]:
            literals.append(match.start())
        elif match["place"]:
            place = _PLACEHOLDER.match(file.text, match.start())
            if place is None:
                raise file.error(
                    "a placeholder is ${name} or ${name:-default}, its name of letters, digits and _; "
                    "$${ is a plain ${",
                    match.start(),
                )
            found.append(Placeholder(place["name"], place["default"], place.start(), place.end(), quote))
            at = place.end()
        elif match["quote"]:
            # a doubled quote closes and opens at once, which comes to the same
            if not quote:
                quote = match["quote"]
            elif quote == match["quote"]:
                quote = ""
        elif quote:
            at = match.start() + 2  # no comment: the text goes on behind its two characters
    return tuple(found), tuple(literals)


def _defaults(file: File, placeholders: tuple[Placeholder, ...]) -> dict[str, str | None]:
    defaults: dict[str, str | None] = {}
    for placeholder in placeholders:
        known = defaults.get(placeholder.name)
        if known is not None and placeholder.default is not None and placeholder.default != known:
            raise file.error(
                f"${{{placeholder.name}}} has two defaults, '{known}' and '{placeholder.default}': keep one",
                placeholder.start,
            )
        defaults[placeholder.name] = placeholder.default if known is None else known
    return defaults


def _filled(
    file: File,
    placeholders: tuple[Placeholder, ...],
    literals: tuple[int, ...],
    values: Mapping[str, str | None],
) -> LocatedText:
    parts: list[str] = []
    pieces: list[Piece] = []
    length = done = 0
    # "$${" gives way to "${" that lies where it stands
    spans = [(at, at + 3, "${") for at in literals]
    for placeholder in placeholders:
        value, quote = values[placeholder.name] or "", placeholder.quote
        text = value.replace(quote, quote * 2) if quote else value
        spans.append((placeholder.start, placeholder.end, text))
    for start, end, text in [*sorted(spans), (len(file.text), len(file.text), "")]:
        for part, origin, copied in ((file.text[done:start], done, True), (text, start, False)):
            if part:
                pieces.append(Piece(length, origin, copied))
                parts.append(part)
                length += len(part)
        done = end
    return LocatedText("".join(parts), file, tuple(pieces) or (Piece(0, 0, True),))
