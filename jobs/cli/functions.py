"""``cutbank functions``: the reference of the table functions, made from their declarations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from jobs.errors import UsageError
from jobs.sql.suggest import did_you_mean
from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import Argument, ArgumentType, TableFunction
from udfs.functions.labelled import LearnerFunction
from udfs.functions.registry import FUNCTIONS


def functions(
    name: Annotated[str | None, typer.Argument(help="One function, in any case; without it all of them.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference page.")] = False,
) -> None:
    """Show the table functions that SQL can call, with their arguments and the columns they add.

    Example: cutbank functions random_cut_forest
    """
    chosen = _chosen(name)
    if as_json:
        typer.echo(json.dumps({"functions": [describe(function) for function in chosen]}, indent=2))
    elif as_markdown:
        typer.echo(markdown(chosen), nl=False)
    elif name is None:
        Console().print(_overview(chosen))
    else:
        _show(Console(), chosen[0])


def _chosen(name: str | None) -> tuple[TableFunction, ...]:
    if name is None:
        return tuple(FUNCTIONS.values())
    function = FUNCTIONS.get(name.upper())
    if function is None:
        hint = did_you_mean(name, FUNCTIONS) or f"; there are {', '.join(FUNCTIONS)}"
        raise UsageError(f"there is no table function {name}{hint}")
    return (function,)


def describe(function: TableFunction) -> dict[str, Any]:
    """A declaration as JSON: times in milliseconds, ``default`` null where there is none or it is NULL."""
    return {
        "name": function.name,
        "summary": function.summary,
        "description": function.description,
        "columns": {"low": function.columns_low, "high": function.columns_high},
        "arguments": [
            {
                "name": argument.name,
                "type": argument.type.value,
                "required": argument.required,
                "default": None if argument.required else argument.default,
                "low": argument.low,
                "high": argument.high,
                "choices": list(argument.choices),
                "nullable": argument.nullable,
                "common": argument.common,
                "help": argument.help,
            }
            for argument in function.arguments
        ],
        "added": [{"name": c.name, "type": c.sql_type, "help": c.help} for c in function.added],
        **(
            {"algorithms": {name: list(function.parameters(name)) for name in function.algorithms()}}
            if isinstance(function, LearnerFunction)
            else {}
        ),
        "example": function.example,
    }


def _default_text(argument: Argument, prefix: str = "") -> str:
    if argument.required:
        return "required"
    return prefix + (argument.default_help or argument.shown(argument.default))


def _overview(chosen: Iterable[TableFunction]) -> Table:
    table = Table(title="Table functions", caption="cutbank functions NAME shows one with its arguments")
    table.add_column("Function", style="bold", no_wrap=True)
    table.add_column("What it does")
    table.add_column("Added columns")
    for function in chosen:
        table.add_row(function.name, function.summary, "\n".join(f"{c.name} {c.sql_type}" for c in function.added))
    return table


def _show(console: Console, function: TableFunction) -> None:
    console.print(f"[bold]{function.name}[/bold]: {function.summary}\n")
    console.print(Markdown(function.description))
    arguments = Table(title="Arguments, in positional order", title_justify="left", show_header=False)
    arguments.add_column(style="bold", no_wrap=True)
    arguments.add_column()
    for argument in function.arguments:
        allowed = f", allowed {argument.range_text}" if argument.range_text else ""
        facts = f"{argument.type.value}, {_default_text(argument, 'default ')}{allowed}"
        arguments.add_row(argument.name, Text.assemble(argument.help, "\n", (facts, "dim")))
    console.print(arguments)
    if isinstance(function, LearnerFunction):
        console.print(Markdown("\n".join(_parameters(function))))
    added = Table(title="Added columns", title_justify="left", show_header=False)
    added.add_column(style="bold", no_wrap=True)
    added.add_column()
    for column in function.added:
        added.add_row(column.name, Text.assemble(column.help, "\n", (column.sql_type, "dim")))
    console.print(added)
    console.print(Markdown(f"```sql\n{function.example}\n```"))


_PREAMBLE = """\
# Table functions

Made from the declarations in `udfs/functions/` by `cutbank functions --markdown`; a test holds it up to date.

A table function is called wherever a table may stand: behind `FROM`, `JOIN` or a comma, in a view, an
`INSERT INTO` or a nested query, and as the input of another call. Arguments are named, in any order, or all
positional: `input`, `on_time`, `columns`, the function's own, `batch` and the rest (with labels: `input`, `labels`,
`on_time`, `id`, `features`, `label`, its own, `batch` and the rest). `DEFAULT` leaves one out.
A function whose columns each have a meaning of their own names them one by one, in place of `columns`.
Values are written out: they are not computed, cast or read from columns.

The syntax is the one of Flink's process table functions, so a pipeline that selects columns by name can keep
its text when Flink has such functions in Python. What differs: the result here is the input's columns in
their order and then the added ones, and the time attribute keeps its name; Flink puts the columns of
`PARTITION BY` first and adds `rowtime`. Several columns of a key are written `PARTITION BY (a, b)` for
Flink; here the parentheses may be left out.

An input is `TABLE name`, `TABLE catalog.database.name`, `(SELECT ...)` or another call. With `PARTITION BY`
there is one model for each key, without it one model for the whole table.
"""


def markdown(chosen: Iterable[TableFunction]) -> str:
    """The reference page: common arguments once, then each function."""
    declared = tuple(chosen)
    common = with_common()
    parts = [_PREAMBLE, "## Arguments of every function\n", _argument_table(common)]
    for function in declared:
        own = [argument for argument in function.arguments if not argument.common]
        parts += [
            f"## {function.name}\n",
            f"{function.summary}\n",
            f"{function.description}\n",
            _what_it_reads(function),
            _argument_table(own),
            *_parameters(function),
            "Added columns:\n",
            _table(("Column", "Type", "Meaning"), [(f"`{c.name}`", c.sql_type, c.help) for c in function.added]),
            f"```sql\n{function.example}\n```\n",
        ]
    return "\n".join(parts)


def _what_it_reads(function: TableFunction) -> str:
    least = "" if function.columns_low == function.columns_high else f"{function.columns_low} to "
    if function.reads == ("features",):
        return f"It reads {least}{function.columns_high} columns. Its own arguments:\n"
    if function.reads != ("columns",):
        return "It has no `columns`. Its own arguments, behind `on_time`:\n"
    return f"It reads {least}{function.columns_high} columns. Its own arguments, behind `columns`:\n"


def _parameters(function: TableFunction) -> Iterable[str]:
    """The learners of a function that has a choice of them, with what each can be told."""
    if not isinstance(function, LearnerFunction):
        return
    yield "Its algorithms, and their parameters, which are arguments by name:\n"
    algorithms = function.algorithms()
    yield _table(
        ("`algorithm`", "What it is", "Parameters"),
        [
            (f"`'{name}'`", algorithm.help, ", ".join(f"`{known}`" for known in function.parameters(name)))
            for name, algorithm in algorithms.items()
        ],
    )
    every = {name: parameter for each in algorithms for name, parameter in function.parameters(each).items()}
    yield _table(
        ("Parameter", "Default", "Allowed", "Meaning"),
        [
            (f"`{name}`", _shown(parameter.default), parameter.range.replace("|", "\\|"), parameter.help)
            for name, parameter in sorted(every.items())
        ],
    )


def _shown(default: object) -> str:
    if isinstance(default, str):
        return f"'{default}'"
    return str(default).upper() if isinstance(default, bool) else f"{default:g}"


def _argument_table(arguments: Iterable[Argument]) -> str:
    rows = [
        (
            f"`{argument.name}`",
            _TYPES.get(argument.type, argument.type.value),
            _default_text(argument),
            argument.range_text.replace("|", "\\|"),
            argument.help,
        )
        for argument in arguments
    ]
    return _table(("Argument", "Type", "Default", "Allowed", "Meaning"), rows)


_TYPES: Mapping[ArgumentType, str] = {ArgumentType.TABLE: "table", ArgumentType.DESCRIPTOR: "columns"}


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
