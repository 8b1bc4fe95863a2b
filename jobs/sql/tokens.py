"""Flink SQL's words.

sqlglot has no Flink dialect. Its tokenizer is set up here for what Calcite's lexer accepts under Flink's
default dialect, tried on Flink 2.3: names in backquotes, texts in single quotes with ``''`` inside, ``--``,
``//`` and ``/* */`` comments that do not nest, hints ``/*+ ... */``, which are comments here and stay in the
text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final

from sqlglot.errors import TokenError
from sqlglot.tokens import Tokenizer, TokenType

from jobs.sql.located import LocatedText


class _FlinkTokenizer(Tokenizer):
    """Every word is a word: keywords are told by the readers, and their case is kept."""

    IDENTIFIERS: ClassVar[list[Any]] = ["`"]
    QUOTES: ClassVar[list[Any]] = ["'"]
    COMMENTS: ClassVar[list[Any]] = ["--", "//", ("/*", "*/")]
    COMMANDS: ClassVar[set[Any]] = set()
    NESTED_COMMENTS = False
    KEYWORDS: ClassVar[dict[str, Any]] = {"=>": TokenType.FARROW, "/*+": TokenType.HINT}


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted name"
    STRING = "text"
    NUMBER = "number"
    SYMBOL = "symbol"


@dataclass(frozen=True)
class Token:
    """A word with its place in the text it was read from.

    Parameters
    ----------
    kind
        What it is.
    value
        What it means: the name without backquotes, the text without quotes, else as written.
    upper
        The upper case of a WORD or SYMBOL, which keywords are compared with; empty for the others.
    start, end
        Offsets in the text; ``end`` is exclusive.
    """

    kind: Kind
    value: str
    upper: str
    start: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it can name something: a word or a quoted name."""
        return self.kind is Kind.WORD or self.kind is Kind.QUOTED


_KINDS: Final = {
    TokenType.IDENTIFIER: Kind.QUOTED,
    TokenType.STRING: Kind.STRING,
    TokenType.NUMBER: Kind.NUMBER,
    TokenType.VAR: Kind.WORD,
}

# what may hide quotes from each other; a closing mark that never comes leaves the opener unmatched
_CLOSED: Final = re.compile(r"'(?:[^']|'')*+'|`(?:[^`]|``)*+`|(?:--|//)[^\n\r]*|/\*.*?\*/|(?P<open>'|`|/\*)", re.DOTALL)
_OPENERS: Final = {
    "'": "this text is never closed: a single quote (') is missing",
    "`": "this name is never closed: a backquote (`) is missing",
    "/*": "this comment is never closed: */ is missing",
}


_STRAY: Final = {
    '"': "double quotes have no meaning in Flink SQL: write 'text' for a text and `name` for a name",
    "\u201c": "a typographic quote: write 'text' for a text and `name` for a name",
    "\u201d": "a typographic quote: write 'text' for a text and `name` for a name",
    "\u2018": "a typographic quote: write 'text' for a text",
    "\u2019": "a typographic quote: write 'text' for a text",
}


@dataclass(frozen=True)
class Words:
    """How a dialect writes words.

    Attributes
    ----------
    tokenizer
        Reads them.
    closed
        What may hide quotes from each other; a closing mark that never comes leaves its opener in the group ``open``.
    openers, stray
        The sentence for each opener that is never closed, and for each character that means nothing.
    """

    tokenizer: type[Tokenizer]
    closed: re.Pattern[str]
    openers: Mapping[str, str]
    stray: Mapping[str, str]

    def tokens(self, text: LocatedText) -> list[Token]:
        """The tokens of a text, without comments.

        Raises
        ------
        SqlError
            A quote or comment is never closed, or a character has no meaning in the dialect.
        """
        for match in self.closed.finditer(text.text):
            if match["open"]:
                raise text.error(self.openers[match["open"]], match.start())
        try:
            found = self.tokenizer().tokenize(text.text)
        except TokenError as error:  # pragma: no cover - every cause known is found above
            raise text.error(f"cannot be read as SQL: {error}") from error
        tokens = []
        for token in found:
            kind = _KINDS.get(token.token_type, Kind.SYMBOL)
            plain = kind in (Kind.WORD, Kind.SYMBOL)
            if plain:
                for i, character in enumerate(token.text):
                    if character in self.stray:
                        raise text.error(self.stray[character], token.start + i)
            tokens.append(Token(kind, token.text, token.text.upper() if plain else "", token.start, token.end + 1))
        return tokens


_FLINK: Final = Words(_FlinkTokenizer, _CLOSED, _OPENERS, _STRAY)


def tokenize(text: LocatedText) -> tuple[Token, ...]:
    """The tokens of a text in Flink SQL, without comments; SqlError as `Words.tokens`."""
    return tuple(_FLINK.tokens(text))


_TAIL: Final = re.compile(r"(?P<hint>/\*\+.*?\*/)|/\*.*?\*/|(?:--|//)[^\n\r]*", re.DOTALL)


def end_with_hints(text: str, end: int, limit: int) -> int:
    """Where a piece of SQL ends: behind its last word or behind the last hint after it, comments left out.

    Parameters
    ----------
    text
        The whole text.
    end, limit
        Where its last word ends, and where what does not belong to it begins.
    """
    for match in _TAIL.finditer(text, end, limit):
        if match["hint"]:
            end = match.end()
    return end
