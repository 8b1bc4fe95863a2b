"""The words of Kinesis SQL.

Names without quotes are stored in upper case, names in double quotes as they stand; texts stand in single quotes with
``''`` inside; comments are ``--``, ``//`` and ``/* */``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from sqlglot.tokens import Tokenizer, TokenType

from jobs.sql.located import LocatedText
from jobs.sql.tokens import Kind, Token, Words


class _KinesisTokenizer(Tokenizer):
    """Every word is a word: keywords are told by the parser, because most of them may also name a column."""

    IDENTIFIERS: ClassVar[list[Any]] = ['"']
    QUOTES: ClassVar[list[Any]] = ["'"]
    COMMENTS: ClassVar[list[Any]] = ["--", "//", ("/*", "*/")]
    COMMANDS: ClassVar[set[Any]] = set()
    NESTED_COMMENTS = False
    KEYWORDS: ClassVar[dict[str, Any]] = {
        "||": TokenType.DPIPE,
        "<>": TokenType.NEQ,
        "!=": TokenType.NEQ,
        "<=": TokenType.LTE,
        ">=": TokenType.GTE,
    }


#: What may hide quotes from each other; a closing mark that never comes leaves the opener unmatched
CLOSED: Final = re.compile(
    r"'(?:[^']|'')*+'|\"(?:[^\"]|\"\")*+\"|(?:--|//)[^\n\r]*|/\*.*?\*/|(?P<open>'|\"|/\*)", re.DOTALL
)
_OPENERS: Final = {
    "'": "this text is never closed: a single quote (') is missing",
    '"': 'this name is never closed: a double quote (") is missing',
    "/*": "this comment is never closed: */ is missing",
}
_STRAY: Final = {
    "`": 'a backquote has no meaning in Kinesis SQL: write "name" for a name',
    "\u201c": "a typographic quote: write 'text' for a text and \"name\" for a name",
    "\u201d": "a typographic quote: write 'text' for a text and \"name\" for a name",
    "\u2018": "a typographic quote: write 'text' for a text",
    "\u2019": "a typographic quote: write 'text' for a text",
}
_WORDS: Final = Words(_KinesisTokenizer, CLOSED, _OPENERS, _STRAY)

#: In a text with ``u&`` before it: four or six hexadecimal digits, or a backslash.
_ESCAPE: Final = re.compile(r"\\(?:\\|([0-9A-Fa-f]{4}|\+(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}))")
_WRONG_ESCAPE: Final = re.compile(r"\\.?")


def tokenize(text: LocatedText) -> tuple[Token, ...]:
    """The tokens of an application, without comments; one behind the last statement need not be closed.

    Raises
    ------
    SqlError
        A quote or comment is never closed, or a character has no meaning in Kinesis SQL.
    """
    end = open_end(text.text)
    return tuple(_unicode_texts(text, _WORDS.tokens(text if end is None else text.slice(0, end))))


def open_end(text: str) -> int | None:
    """Where a comment behind the last statement begins that is never closed; None where there is none."""
    opener = next((match for match in CLOSED.finditer(text) if match["open"]), None)
    if opener is None or opener["open"] != "/*":
        return None
    before = CLOSED.sub(lambda match: " " if match[0].startswith(("-", "/")) else match[0], text[: opener.start()])
    return opener.start() if before.rstrip().endswith(";") else None


def _unicode_texts(text: LocatedText, tokens: Sequence[Token]) -> Iterator[Token]:
    """The same; ``u&'\\0009'`` is one text, whose escapes are the characters they name."""
    place = 0
    while place < len(tokens):
        token, *behind = tokens[place : place + 3]
        joined = len(behind) == 2 and (token.end, behind[0].end) == (behind[0].start, behind[1].start)
        if joined and token.upper == "U" and behind[0].value == "&" and behind[1].kind is Kind.STRING:
            value = _ESCAPE.sub(_character, behind[1].value)
            if wrong := _WRONG_ESCAPE.search(_ESCAPE.sub("", behind[1].value)):
                raise text.error(f"{wrong[0]} is no escape: write \\0009, \\+000009 or \\\\", behind[1].start)
            yield Token(Kind.STRING, value, "", token.start, behind[1].end)
            place += 3
        else:
            yield token
            place += 1


def _character(match: re.Match[str]) -> str:
    return "\\" if match[1] is None else chr(int(match[1].lstrip("+"), 16))


def stored_name(token: Token) -> str:
    """The name as SQL stores it: upper case unless it was quoted."""
    return token.value if token.kind is Kind.QUOTED else token.value.upper()
