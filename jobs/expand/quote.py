"""Quoting for generated SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def name(text: str) -> str:
    """An identifier in backquotes."""
    return "`" + text.replace("`", "``") + "`"


def names(texts: Iterable[str]) -> str:
    """Identifiers with commas between them."""
    return ", ".join(map(name, texts))


def text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"


def options(values: Mapping[str, str]) -> str:
    """The inside of a WITH clause, one option a line."""
    return ",\n".join(f"  {text(key)} = {text(value)}" for key, value in values.items())


def interval(milliseconds: int) -> str:
    """An interval literal of up to 99 days; ``SECOND`` alone takes two digits only."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"INTERVAL '{days} {hour:02d}:{minute:02d}:{second:02d}.{thousandths:03d}' DAY TO SECOND(3)"
