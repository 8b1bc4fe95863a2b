"""Walking over the tokens of an application: what comes next, and what was expected instead."""

from __future__ import annotations

from typing import Final, NoReturn

from jobs.errors import SqlError
from jobs.kinesis.tokens import stored_name, tokenize
from jobs.sql.located import LocatedText
from jobs.sql.tokens import Kind, Token

#: Words that cannot name anything unless they are quoted. TIMESTAMP, STREAM, RANGE, SECOND and the like can.
RESERVED: Final = frozenset(
    {
        "ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CAST", "CREATE", "CROSS", "CURSOR", "DISTINCT", "ELSE", "END",
        "EXCEPT", "EXISTS", "FALSE", "FETCH", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INSERT", "INTERSECT",
        "INTERVAL", "INTO", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "NATURAL", "NOT", "NULL", "ON", "OR", "ORDER",
        "OUTER", "OVER", "PARTITION", "RIGHT", "SELECT", "TABLE", "THEN", "TRUE", "UNION", "UNKNOWN", "USING", "VALUES",
        "WHEN", "WHERE", "WINDOW", "WINDOWED", "WITH",
    }
)  # fmt: skip


class Reader:
    """The tokens of a text and a place among them."""

    def __init__(self, text: LocatedText) -> None:
        self.text, self.tokens, self.at = text, tokenize(text), 0

    # -- looking

    @property
    def is_done(self) -> bool:
        """Whether nothing follows."""
        return self.at >= len(self.tokens)

    @property
    def start(self) -> int:
        """Where the next token begins."""
        return self.tokens[self.at].start if not self.is_done else len(self.text.text.rstrip())

    @property
    def end(self) -> int:
        """Where the last token read ends."""
        return self.tokens[self.at - 1].end if self.at else 0

    def upper(self, ahead: int = 0) -> str:
        """The next word or symbol in upper case; empty for texts, numbers, quoted names and the end."""
        at = self.at + ahead
        return self.tokens[at].upper if at < len(self.tokens) else ""

    def kind(self, ahead: int = 0) -> Kind | None:
        """What the next token is; None at the end."""
        at = self.at + ahead
        return self.tokens[at].kind if at < len(self.tokens) else None

    def sees(self, *words: str) -> bool:
        """Whether these words come next."""
        return all(self.upper(i) == word for i, word in enumerate(words))

    @property
    def sees_name(self) -> bool:
        """Whether a name comes next."""
        return self.kind() is Kind.QUOTED or (self.kind() is Kind.WORD and self.upper() not in RESERVED)

    # -- taking

    def take(self) -> Token:
        """The next token."""
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take these words if they come next."""
        if not self.sees(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, word: str, where: str) -> Token:
        """Take a word that has to come."""
        if self.upper() != word:
            self.expected(f"{word} {where}")
        return self.take()

    def name(self, what: str) -> str:
        """Take a name."""
        if not self.sees_name:
            self.expected(what)
        return stored_name(self.take())

    def whole_number(self, what: str) -> int:
        """Take a whole number."""
        if self.kind() is not Kind.NUMBER or not self.tokens[self.at].value.isdigit():
            self.expected(what)
        return int(self.take().value)

    def string(self, what: str) -> str:
        """Take a text in single quotes."""
        if self.kind() is not Kind.STRING:
            self.expected(what)
        return self.take().value

    # -- refusing

    def error(self, message: str, offset: int | None = None) -> SqlError:
        """The error to raise for something wrong at an offset; default: at the next token."""
        return self.text.error(message, self.start if offset is None else offset)

    def expected(self, what: str) -> NoReturn:
        """Raise the error that something else should come next."""
        raise self.error(f"expected {what}, got {self.shown()}")

    def shown(self) -> str:
        """The next token as messages show it."""
        if self.is_done:
            return "the end of the text"
        token = self.tokens[self.at]
        return self.text.text[token.start : token.end]
