"""What a table function is, written down once.

A `TableFunction` is data plus three small callables (`make_pool`, `present`, `check`); it imports no model
until a pool is made, so the client can read declarations without compiling anything.

Values of arguments are plain Python: BIGINT is int, DOUBLE is float, BOOLEAN is bool, STRING is str, INTERVAL
is an int of milliseconds, DESCRIPTOR is a tuple of column names; NULL is None where it is allowed. TABLE
arguments carry no value: the reader of a call keeps them apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from models.errors import ParameterError

if TYPE_CHECKING:
    from models.pool import ModelPool

#: What a model may say no to: the whole set of SQL number types that have a double in Python.
NUMERIC_TYPES: Final = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE"})

_SYNONYMS: Final = {"INTEGER": "INT", "DOUBLE PRECISION": "DOUBLE", "DEC": "DECIMAL", "NUMERIC": "DECIMAL"}


class ArgumentError(ParameterError):
    """A value is not one the declaration allows; the message says what is, ``arguments`` names whose it is.

    Where a rule is over two arguments both are named, first the one the message is about.
    """

    def __init__(self, message: str, *arguments: str) -> None:
        super().__init__(message)
        self.arguments = arguments


class ArgumentType(Enum):
    """SQL type of an argument."""

    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    INTERVAL = "INTERVAL"
    DESCRIPTOR = "DESCRIPTOR"
    TABLE = "TABLE"

    @property
    def expectation(self) -> str:
        """The end of the sentence "x must be ...", without an article problem."""
        return {
            ArgumentType.BIGINT: "a whole number",
            ArgumentType.DOUBLE: "a number",
            ArgumentType.BOOLEAN: "TRUE or FALSE",
            ArgumentType.STRING: "a text in single quotes",
            ArgumentType.INTERVAL: "an interval such as INTERVAL '1' SECOND",
            ArgumentType.DESCRIPTOR: "a DESCRIPTOR(...) of column names",
            ArgumentType.TABLE: "TABLE name or (SELECT ...)",
        }[self]


class Required(Enum):
    """The default of an argument that has none."""

    REQUIRED = "required"

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = Required.REQUIRED


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One named argument.

    Parameters
    ----------
    name, type
        As written in SQL, lower case.
    help
        One line of reference.
    default
        The value it takes when it is not given; `REQUIRED` when it must be.
    low, high
        Inclusive range of a number, or of an interval in milliseconds; None is open.
    choices
        The texts a STRING may have; empty is any.
    nullable
        Whether NULL may be written.
    default_help
        What the default means where its value does not say it (``derived from the view``).
    common
        Whether every function has it.
    reading
        Whether it only changes how a model's results are read: saved models do not depend on it.
    single
        Whether a DESCRIPTOR names one column, not several.
    """

    name: str
    type: ArgumentType
    help: str
    default: object = REQUIRED
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    nullable: bool = False
    default_help: str | None = None
    common: bool = False
    reading: bool = False
    single: bool = False

    @property
    def required(self) -> bool:
        """Whether a call without it is wrong."""
        return self.default is REQUIRED

    @property
    def range_text(self) -> str:
        """The allowed values as the messages show them; empty when anything of the type goes."""
        if self.choices:
            return " | ".join(f"'{choice}'" for choice in self.choices)
        if self.low is None and self.high is None:
            return ""
        show = interval_text if self.type is ArgumentType.INTERVAL else _number_text
        if self.high is None:
            return f">= {show(self.low)}"
        if self.low is None:
            return f"<= {show(self.high)}"
        return f"{show(self.low)}..{show(self.high)}"

    def checked(self, value: object) -> object:
        """The value as the model gets it.

        Raises
        ------
        ArgumentError
            The value has another type, is out of range, or is none of the choices.
        """
        if value is None:
            if self.nullable:
                return None
            raise ArgumentError(f"{self.name} must not be NULL; leave it out for its default", self.name)
        if not self._is_typed(value):
            raise ArgumentError(f"{self.name} must be {self.type.expectation}, got {self.shown(value)}", self.name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            below = self.low is not None and value < self.low
            above = self.high is not None and value > self.high
            if below or above or not math.isfinite(value):
                verb = "be in " if self.low is not None and self.high is not None else "be "
                raise ArgumentError(f"{self.name} must {verb}{self.range_text}, got {self.shown(value)}", self.name)
        if self.choices and value not in self.choices:
            choices = ", ".join(map(self.shown, self.choices))
            raise ArgumentError(f"{self.name} must be one of {choices}, got {self.shown(value)}", self.name)
        return float(value) if self.type is ArgumentType.DOUBLE and isinstance(value, int) else value

    def shown(self, value: object) -> str:
        """A value as one would write it in SQL."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        if isinstance(value, tuple):
            return f"DESCRIPTOR({', '.join(map(str, value))})"
        if self.type is ArgumentType.INTERVAL and isinstance(value, int):
            return interval_text(value)
        return _number_text(value) if isinstance(value, int | float) else str(value)

    def _is_typed(self, value: object) -> bool:
        match self.type:
            case ArgumentType.BIGINT | ArgumentType.INTERVAL:
                return isinstance(value, int) and not isinstance(value, bool)
            case ArgumentType.DOUBLE:
                return isinstance(value, int | float) and not isinstance(value, bool)
            case ArgumentType.BOOLEAN:
                return isinstance(value, bool)
            case ArgumentType.STRING:
                return isinstance(value, str)
            case _:
                return isinstance(value, tuple)


@dataclass(frozen=True)
class AddedColumn:
    """One column a function adds behind the input's, with its Flink SQL type and one line of help."""

    name: str
    sql_type: str
    help: str


def _no_cross_check(arguments: Mapping[str, Any]) -> None:
    """Most functions have no rule over two arguments."""


def _any_number(columns: int, arguments: Mapping[str, Any]) -> None:
    """Most functions take the arguments with any number of columns in their range."""


def _numeric_only(sql_type: str) -> str | None:
    return numeric_refusal(sql_type)


@dataclass(frozen=True, kw_only=True)
class TableFunction:
    """A function that SQL calls where a table may stand.

    Parameters
    ----------
    name
        SQL name in upper case; calls are matched without regard to case.
    summary
        One sentence for lists.
    description
        Paragraphs for the reference: what the numbers mean, what happens before warm-up, costs, source.
    arguments
        In positional order: ``input``, ``on_time``, ``columns``, own ones, the other common ones.
    added
        Columns behind the input's own.
    make_pool
        ``make_pool(columns, arguments)``: the models of one bucket, for rows of so many columns.
    present
        ``present(outputs, column_names, arguments)``: what a pool's `process` returned, as one sequence of
        Python values for each added column, in order. Called for every pack, without rows the host skipped.
    example
        A complete statement for the reference.
    reads
        The DESCRIPTOR arguments that name the columns its models read, in the order of those columns; where it is not
        ``columns`` alone, each names one.
    columns_low, columns_high
        How many columns it takes.
    refuses_type
        None for a SQL type that can be one of ``columns``, else why not; ``{column}`` stands for its name.
    check
        Rules over more than one argument; raises `ArgumentError`.
    check_columns
        ``check_columns(columns, arguments)``: rules that need the number of columns; raises `ArgumentError`.
    fits
        ``fits(values, arguments)``: which rows (n, columns) the models can take, NaN standing for NULL; None where
        that is as for most: every value there, or with ``on_null => 'impute'`` one of them.
    """

    name: str
    summary: str
    description: str
    arguments: tuple[Argument, ...]
    added: tuple[AddedColumn, ...]
    make_pool: Callable[[int, Mapping[str, Any]], ModelPool]
    present: Callable[[Mapping[str, Any], Sequence[str], Mapping[str, Any]], tuple[Sequence[Any], ...]]
    example: str
    reads: tuple[str, ...] = ("columns",)
    columns_low: int = 1
    columns_high: int = 30
    refuses_type: Callable[[str], str | None] = _numeric_only
    check: Callable[[Mapping[str, Any]], None] = _no_cross_check
    check_columns: Callable[[int, Mapping[str, Any]], None] = _any_number
    fits: Callable[[Any, Mapping[str, Any]], Any] | None = None

    def argument(self, name: str) -> Argument | None:
        """The declaration of an argument, by name in any case; None when there is none."""
        wanted = name.lower()
        return next((argument for argument in self.arguments if argument.name == wanted), None)

    def argument_names(self) -> tuple[str, ...]:
        """What a call may name."""
        return tuple(argument.name for argument in self.arguments)

    def accepts_type(self, sql_type: str) -> bool:
        """Whether a column of this SQL type can be one of ``columns``."""
        return self.refuses_type(sql_type) is None

    def resolve(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Every argument but the tables, checked, with defaults filled in.

        Parameters
        ----------
        given
            Values by name, as in the module's docstring.

        Raises
        ------
        ArgumentError
            A value is wrong, two do not fit each other, one is missing or unknown.
        """
        resolved: dict[str, Any] = {}
        for name in given:
            if self.argument(name) is None:
                raise ArgumentError(f"there is no argument {name}", name)
        for argument in self.arguments:
            if argument.type is ArgumentType.TABLE:
                continue
            if argument.name in given:
                resolved[argument.name] = argument.checked(given[argument.name])
            elif argument.default is REQUIRED:
                raise ArgumentError(f"{argument.name} is missing", argument.name)
            else:
                resolved[argument.name] = argument.default
        check_common(resolved)
        self.check(resolved)
        return resolved


def check_common(arguments: Mapping[str, Any]) -> None:
    """Rules over the common arguments of every function.

    Raises
    ------
    ArgumentError
        ``idle`` is shorter than ``batch``: every key would count as absent between two packs; ``uid`` is no
        name that Flink takes for an operator.
    """
    uid = arguments["uid"]
    if uid is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", uid):
        raise ArgumentError(
            f"uid must begin with a letter or _ and hold letters, digits, _ and - only, got '{uid}'", "uid"
        )
    idle, batch = arguments.get("idle"), arguments["batch"]
    if idle is not None and idle < batch:
        raise ArgumentError(
            f"idle must be at least batch ({interval_text(batch)}), got {interval_text(idle)}",
            "idle",
            "batch",
        )


def refuse_imputing(arguments: Mapping[str, Any], why: str) -> None:
    """For functions whose models cannot fill in a value.

    Raises
    ------
    ArgumentError
        ``on_null`` is 'impute'; the message ends with `why`.
    """
    if arguments["on_null"] == "impute":
        raise ArgumentError(f"on_null must be one of 'skip', 'error' here, got 'impute': {why}", "on_null")


def base_type(sql_type: str) -> str:
    """The bare name of a SQL type: ``DECIMAL(10, 2) NOT NULL`` is DECIMAL, ``INTEGER`` is INT."""
    text = " ".join(sql_type.upper().replace("*ROWTIME*", "").replace("*PROCTIME*", "").split())
    text = text.removesuffix("NOT NULL").removesuffix("NULL").strip()
    name = text.split("(")[0].split("<")[0].strip()
    return _SYNONYMS.get(name, name)


def numeric_refusal(sql_type: str) -> str | None:
    """None for the number types a model takes as doubles, else why not."""
    name = base_type(sql_type)
    if name in NUMERIC_TYPES:
        return None
    if name == "DECIMAL":
        return "DECIMAL is not supported, use CAST({column} AS DOUBLE) in the input"
    return "only TINYINT, SMALLINT, INT, BIGINT, FLOAT and DOUBLE can be scored"


def measurable_refusal(sql_type: str) -> str | None:
    """As `numeric_refusal`, but BOOLEAN will do too: FALSE is 0 and TRUE is 1."""
    if base_type(sql_type) == "BOOLEAN" or numeric_refusal(sql_type) is None:
        return None
    if base_type(sql_type) == "DECIMAL":
        return numeric_refusal(sql_type)
    return "only BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT and DOUBLE can be measured"


def interval_text(milliseconds: float | None) -> str:
    """An interval as SQL writes it, in the largest unit that fits: 90000 is ``INTERVAL '90' SECOND``."""
    if milliseconds is None:
        return "NULL"
    for unit, size in (("DAY", 86_400_000), ("HOUR", 3_600_000), ("MINUTE", 60_000)):
        if milliseconds and milliseconds % size == 0:
            return f"INTERVAL '{int(milliseconds // size)}' {unit}"
    return f"INTERVAL '{milliseconds / 1000:.10g}' SECOND"


def _number_text(value: float | None) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e16 else str(value)
