"""What an application says, as a tree: each node knows the offset in the text where it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from jobs.kinesis.column_types import ColumnType


@dataclass(frozen=True)
class Node:
    """Anything that stands somewhere. Two nodes are equal when they say the same, wherever they stand."""

    start: int = field(compare=False)


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True)
class Expression(Node):
    """Something with a value."""


@dataclass(frozen=True)
class Name(Expression):
    """A column, ``alias.column`` or ``alias.record.field``; parts are as SQL stores them."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Star(Expression):
    """``*`` or ``alias.*``."""

    qualifier: str | None = None


@dataclass(frozen=True)
class Number(Expression):
    """A number as it is written."""

    text: str


@dataclass(frozen=True)
class Text(Expression):
    """A text in single quotes."""

    value: str


@dataclass(frozen=True)
class Truth(Expression):
    """TRUE, FALSE, UNKNOWN or NULL."""

    value: bool | None


@dataclass(frozen=True)
class Moment(Expression):
    """``TIMESTAMP '...'``, ``DATE '...'`` or ``TIME '...'``."""

    kind: str
    value: str


@dataclass(frozen=True)
class Interval(Expression):
    """``INTERVAL '10' SECOND``: milliseconds, or months where the unit is MONTH or YEAR."""

    milliseconds: int | None
    months: int | None = None


@dataclass(frozen=True)
class Unary(Expression):
    """``-x``, ``+x`` or ``NOT x``."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """Two operands with an operator between them; ``AND`` and ``OR`` too."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Is(Expression):
    """``x IS [NOT] NULL | TRUE | FALSE | UNKNOWN``."""

    operand: Expression
    what: str
    negated: bool


@dataclass(frozen=True)
class Between(Expression):
    """``x [NOT] BETWEEN low AND high``."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True)
class In(Expression):
    """``x [NOT] IN (a, b)``."""

    operand: Expression
    values: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True)
class Like(Expression):
    """``x [NOT] LIKE | SIMILAR TO pattern [ESCAPE e]``."""

    operand: Expression
    word: str
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(frozen=True)
class Case(Expression):
    """CASE; with an operand its branches are compared with it."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True)
class TypeName(Node):
    """A type, and where it stands."""

    type: ColumnType


@dataclass(frozen=True)
class Cast(Expression):
    """``CAST(x AS type)``."""

    operand: Expression
    type: TypeName


@dataclass(frozen=True)
class Rounded(Expression):
    """``FLOOR(x TO unit)`` and ``CEIL(x TO unit)``."""

    word: str
    operand: Expression
    unit: str


@dataclass(frozen=True)
class Step(Expression):
    """``STEP(x BY size)``."""

    operand: Expression
    size: Expression


@dataclass(frozen=True)
class Extract(Expression):
    """``EXTRACT(unit FROM x)``."""

    unit: str
    operand: Expression


@dataclass(frozen=True)
class Difference(Expression):
    """``(a - b) SECOND``: an interval."""

    left: Expression
    right: Expression
    unit: str


class Nulls(Enum):
    """What LAG and its kin do with NULLs."""

    RESPECT = "RESPECT NULLS"
    IGNORE = "IGNORE NULLS"


@dataclass(frozen=True)
class Window(Node):
    """``PARTITION BY ... ORDER BY ... RANGE | ROWS ... PRECEDING``; what is not written is empty or None.

    ``rows`` is the size of a ROWS frame, ``range_ms`` of a RANGE frame; None in both is UNBOUNDED where ``frame`` is
    written. ``name`` is the window it refers to.
    """

    name: str | None
    partition_by: tuple[Expression, ...]
    order_by: tuple[Expression, ...]
    frame: str | None
    rows: int | None
    range_ms: int | None


#: Comparisons for which NULL is a value like any other.
DISTINCTIONS: Final = ("IS DISTINCT FROM", "IS NOT DISTINCT FROM")
#: Functions of two forms of SUBSTRING that answer otherwise than the one with FROM; no application can write them so.
SUBSTRING_COMMA: Final = "SUBSTRING ,"
SUBSTRING_SIMILAR: Final = "SUBSTRING SIMILAR"


@dataclass(frozen=True)
class Call(Expression):
    """A function; an aggregate when it has ``over`` or is one by name."""

    function: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    over: Window | None = None
    nulls: Nulls = Nulls.RESPECT
    from_last: bool = False


# ---------------------------------------------------------------- relations and queries


@dataclass(frozen=True)
class Relation(Node):
    """What stands behind FROM."""


@dataclass(frozen=True)
class StreamName(Relation):
    """A stream or reference table."""

    name: str
    alias: str | None
    over: Window | None


@dataclass(frozen=True)
class Derived(Relation):
    """A query in parentheses; an alias may name its columns: ``AS l(r)``."""

    query: Query
    alias: str | None
    columns: tuple[str, ...]
    over: Window | None


@dataclass(frozen=True)
class TableCall(Relation):
    """``TABLE(F(CURSOR(query), ...))``."""

    function: str
    name_start: int = field(compare=False)
    cursor: Query
    arguments: tuple[Expression, ...]
    alias: str | None
    columns: tuple[str, ...]
    over: Window | None


@dataclass(frozen=True)
class Join(Relation):
    """Two relations; ``kind`` is INNER, LEFT, RIGHT or FULL. A comma is an INNER join without condition."""

    kind: str
    left: Relation
    right: Relation
    condition: Expression | None


@dataclass(frozen=True)
class Item(Node):
    """One item of a select list."""

    value: Expression
    alias: str | None


@dataclass(frozen=True)
class SortKey(Node):
    """One key of ORDER BY."""

    value: Expression
    descending: bool


@dataclass(frozen=True)
class Query(Node):
    """A SELECT or a UNION ALL of queries."""


@dataclass(frozen=True)
class Select(Query):
    """One SELECT; ``stagger`` is the window of WINDOWED BY STAGGER."""

    items: tuple[Item, ...]
    distinct: bool
    source: Relation
    where: Expression | None
    group_by: tuple[Expression, ...]
    stagger: Window | None
    having: Expression | None
    windows: tuple[tuple[str, Window], ...]
    order_by: tuple[SortKey, ...]


@dataclass(frozen=True)
class Union(Query):
    """``a UNION ALL b``, both without ORDER BY, and the ORDER BY of both."""

    parts: tuple[Select, ...]
    order_by: tuple[SortKey, ...]


# ---------------------------------------------------------------- statements


@dataclass(frozen=True)
class ColumnDefinition(Node):
    """A column of CREATE STREAM."""

    name: str
    type: TypeName
    not_null: bool


@dataclass(frozen=True)
class Statement(Node):
    """A statement; its text is that from ``start`` to ``end``."""

    end: int = field(compare=False)


@dataclass(frozen=True)
class CreateStream(Statement):
    """``CREATE [OR REPLACE] STREAM``."""

    name: str
    columns: tuple[ColumnDefinition, ...]
    replace: bool


@dataclass(frozen=True)
class CreatePump(Statement):
    """``CREATE [OR REPLACE] PUMP name AS INSERT INTO target [(columns)] query``."""

    name: str
    target: str
    target_start: int = field(compare=False)
    columns: tuple[tuple[str, int], ...]
    query: Query
    replace: bool


def children(node: Any) -> list[Any]:
    """The nodes directly inside a node."""
    found: list[Any] = []

    def add(value: Any) -> None:
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            for each in value:
                add(each)

    for each in vars(node).values():
        add(each)
    return found
