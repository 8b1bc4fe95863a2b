"""Parameters of learners, declared once: type, default, range, one line of help; checks and messages come from it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.arguments import number, one_of, whole_number
from models.errors import ParameterError

_TRUE, _FALSE = ("true", "1"), ("false", "0")


@dataclass(frozen=True)
class Real:
    """A number in ``low..high``."""

    default: float
    low: float
    high: float
    help: str
    above_low: bool = False

    def check(self, name: str, given: Any) -> float:
        """The value, or a ParameterError."""
        return number(name, given, self.low, self.high, above_low=self.above_low)

    def read(self, text: str) -> Any:
        """What a text of the command line means; a text that is no number stays one, for `check` to refuse."""
        try:
            return float(text)
        except ValueError:
            return text

    @property
    def range(self) -> str:
        """The range in words."""
        return f"{'above ' if self.above_low else ''}{self.low:g}..{self.high:g}"


@dataclass(frozen=True)
class Whole:
    """A whole number in ``low..high``."""

    default: int
    low: int
    high: int
    help: str

    def check(self, name: str, given: Any) -> int:
        """The value, or a ParameterError."""
        return whole_number(name, given, self.low, self.high)

    def read(self, text: str) -> Any:
        """What a text of the command line means."""
        try:
            return int(text)
        except ValueError:
            return text

    @property
    def range(self) -> str:
        """The range in words."""
        return f"{self.low}..{self.high}"


@dataclass(frozen=True)
class Word:
    """One of some words."""

    default: str
    allowed: tuple[str, ...]
    help: str

    def check(self, name: str, given: Any) -> str:
        """The value, or a ParameterError."""
        return one_of(name, given, self.allowed)

    def read(self, text: str) -> Any:
        """What a text of the command line means."""
        return text

    @property
    def range(self) -> str:
        """The range in words."""
        return " | ".join(self.allowed)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    default: bool
    help: str

    def check(self, name: str, given: Any) -> bool:
        """The value, or a ParameterError."""
        if not isinstance(given, bool):
            raise ParameterError(f"{name} must be true or false, got {given!r}")
        return given

    def read(self, text: str) -> Any:
        """What a text of the command line means."""
        word = text.lower()
        return True if word in _TRUE else False if word in _FALSE else text

    @property
    def range(self) -> str:
        """The range in words."""
        return "true | false"


@dataclass(frozen=True)
class Text:
    """Any text; what it must be is checked by the model."""

    default: str
    help: str
    range: str = "text"

    def check(self, name: str, given: Any) -> str:
        """The value, or a ParameterError."""
        if not isinstance(given, str):
            raise ParameterError(f"{name} must be a text, got {given!r}")
        return given

    def read(self, text: str) -> Any:
        """What a text of the command line means."""
        return text


Parameter = Real | Whole | Word | Flag | Text
Declared = Mapping[str, Parameter]


def nearest(word: str, known: Any) -> str:
    """`` did you mean 'x'?``, or nothing."""
    found = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def checked(owner: str, declared: Declared, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters by name: what is given, checked, and the defaults of the others.

    Raises
    ------
    ParameterError
        An unknown name (the message lists the known ones with their ranges), or a value out of range.
    """
    for name in given:
        if name not in declared:
            known = ", ".join(f"{known} ({declared[known].range})" for known in sorted(declared))
            raise ParameterError(f"{owner} has no parameter {name!r}{nearest(name, declared) or '.'} It has: {known}")
    return {
        name: parameter.check(name, given[name]) if name in given else parameter.default
        for name, parameter in declared.items()
    }
