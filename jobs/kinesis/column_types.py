"""Column types of Kinesis SQL: reading them as people wrote them, and what each is in Flink.

Source: "Data Types" of AWS's SQL reference for Kinesis Data Analytics (names, synonyms, lengths below 65535,
19 digits of DECIMAL, milliseconds of TIME and TIMESTAMP). A VARCHAR without a length, which the reference does not
have but published applications do, holds any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# a length is at least 1 and below this
_LENGTH_LIMIT = 65535
_DECIMAL_DIGITS = 19

_SYNONYMS = {
    "INT": "INTEGER",
    "DEC": "DECIMAL",
    "NUMERIC": "DECIMAL",
    "FLOAT": "DOUBLE",
    "DOUBLE PRECISION": "DOUBLE",
    "CHARACTER": "CHAR",
    "CHARACTER VARYING": "VARCHAR",
    "CHAR VARYING": "VARCHAR",
    "BINARY VARYING": "VARBINARY",
}
_PLAIN = ("BIGINT", "BOOLEAN", "DATE", "DOUBLE", "INTEGER", "REAL", "SMALLINT", "TIME", "TIMESTAMP", "TINYINT")
_WITH_LENGTH = ("BINARY", "CHAR", "VARBINARY", "VARCHAR")
_NAMES = (*_PLAIN, "DECIMAL", *_WITH_LENGTH)

# in Flink CHAR and VARCHAR pad and cut on casts only, so a bounded text is the same type there
_FLINK = {"INTEGER": "INT", "REAL": "FLOAT", "TIME": "TIME(3)", "TIMESTAMP": "TIMESTAMP(3)"}

_TYPE = re.compile(r"\s*([A-Za-z]+(?:\s+[A-Za-z]+)?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*\Z")


@dataclass(frozen=True)
class ColumnType:
    """A type as the dialect has it.

    Attributes
    ----------
    name
        One of BIGINT, BINARY, BOOLEAN, CHAR, DATE, DECIMAL, DOUBLE, INTEGER, REAL, SMALLINT, TIME, TIMESTAMP, TINYINT,
        VARBINARY, VARCHAR; synonyms are resolved.
    length
        Of CHAR and VARCHAR in characters, of BINARY and VARBINARY in bytes; None: not bounded.
    precision, scale
        Of DECIMAL; both None when not given, which is (19, 0) by standard SQL.
    """

    name: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None

    def __str__(self) -> str:
        if self.length is not None:
            return f"{self.name}({self.length})"
        if self.precision is not None:
            return f"{self.name}({self.precision},{self.scale})"
        return self.name

    @property
    def is_numeric(self) -> bool:
        """Whether values are numbers."""
        return self.is_integer or self.name in ("DECIMAL", "DOUBLE", "REAL")

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers of one to eight bytes."""
        return self.name in ("BIGINT", "INTEGER", "SMALLINT", "TINYINT")

    @property
    def is_text(self) -> bool:
        """Whether values are texts."""
        return self.name in ("CHAR", "VARCHAR")

    @property
    def is_time(self) -> bool:
        """Whether values are dates, times of day or both."""
        return self.name in ("DATE", "TIME", "TIMESTAMP")

    @property
    def flink(self) -> str:
        """The Flink SQL type that holds the same values."""
        if self.name in ("VARCHAR", "VARBINARY") and self.length is None:
            return {"VARCHAR": "STRING", "VARBINARY": "BYTES"}[self.name]
        if self.name == "DECIMAL":
            return f"DECIMAL({self.precision}, {self.scale})" if self.precision is not None else "DECIMAL(19, 0)"
        return _FLINK.get(self.name, str(self))


def parse_type(text: str) -> ColumnType:
    """Read a type, in any case and with any synonym, for example ``varchar (16)`` or ``Double Precision``.

    Raises
    ------
    ValueError
        Saying what is wrong and what was expected.
    """
    match = _TYPE.match(text)
    if match is None:
        raise ValueError(f"expected a type such as INTEGER, DECIMAL(5,2) or VARCHAR(16), got {text!r}")
    name = " ".join(match[1].upper().split())
    name = _SYNONYMS.get(name, name)
    first, second = (None if part is None else int(part) for part in match.groups()[1:])
    if name.startswith("INTERVAL"):
        raise ValueError("INTERVAL exists in expressions only, not as the type of a column")
    if name not in _NAMES:
        raise ValueError(f"there is no type {name}; expected one of {', '.join(sorted(_NAMES))}")
    if name == "DECIMAL":
        return _decimal(text, first, second)
    if name in ("TIME", "TIMESTAMP") and first == 3 and second is None:
        return ColumnType(name)
    if first is not None and name not in _WITH_LENGTH:
        raise ValueError(f"{name} takes nothing in parentheses, got {text!r}")
    if second is not None:
        raise ValueError(f"{name} takes one length, got {text!r}")
    if first is not None and not 0 < first < _LENGTH_LIMIT:
        raise ValueError(f"{name}: the length must be in 1..{_LENGTH_LIMIT - 1}, got {first}")
    if first is None and name in ("CHAR", "BINARY"):
        first = 1  # as standard SQL has it
    return ColumnType(name, length=first)


def _decimal(text: str, precision: int | None, scale: int | None) -> ColumnType:
    if precision is None:
        return ColumnType("DECIMAL")
    scale = 0 if scale is None else scale
    if not 1 <= precision <= _DECIMAL_DIGITS or scale > precision:
        raise ValueError(f"DECIMAL takes 1..{_DECIMAL_DIGITS} digits and at most as many decimals, got {text!r}")
    return ColumnType("DECIMAL", precision=precision, scale=scale)
