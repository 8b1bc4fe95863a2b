"""The functions that stand in TABLE(...): each becomes a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.kinesis import tree
from jobs.kinesis.column_types import ColumnType
from jobs.kinesis.context import Context, Rows, Stream, interval_sql
from jobs.kinesis.relations import Translates
from jobs.kinesis.scope import ROWTIME, Column, Order, folded_hint
from jobs.kinesis.values import BIGINT, DOUBLE, INTEGER, VARCHAR, Value
from jobs.sql.suggest import did_you_mean

#: As the reference says; applications are known whose cursors have up to a hundred numeric columns.
MOST_SCORED: Final = 30


@dataclass(frozen=True)
class Parameter:
    """A positional argument: its name, kind, range and default (None: it must be given)."""

    name: str
    kind: type
    low: float | None = None
    high: float | None = None
    default: object = None
    choices: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Called:
    """A call with its arguments checked."""

    context: Context
    node: tree.TableCall
    view: str
    columns: tuple[Column, ...]
    arguments: Mapping[str, object]

    def error(self, message: str, name: str | None = None) -> SqlError:
        """An error at the function, or at one of its arguments."""
        start = self.node.name_start
        if name is not None:
            index = [parameter.name for parameter in FUNCTIONS[self.node.function].parameters].index(name)
            if index < len(self.node.arguments):
                start = self.node.arguments[index].start
        return self.context.text.error(f"{self.node.function}: {message}", start)

    def column(self, name: str) -> Column:
        """The input's column that an argument names; where only the case differs it is that one."""
        wanted = str(self.arguments[name])
        names = [column.name for column in self.columns]
        if wanted not in names:
            same = [other for other in names if other.upper() == wanted.upper()]
            if len(same) != 1:
                raise self.error(f"the input has no column {wanted}{folded_hint(wanted, names)}", name)
            wanted = same[0]
        return next(column for column in self.columns if column.name == wanted)


@dataclass(frozen=True)
class TableFunction:
    """A function of TABLE(...): its arguments behind the cursor, and what makes its view."""

    parameters: tuple[Parameter, ...]
    build: Callable[[Called], tuple[str, tuple[Column, ...]]]
    is_ordered: bool = True


def call_view(context: Context, queries: Translates, node: tree.TableCall) -> Stream:
    """The view of a call.

    Raises
    ------
    SqlError
        There is no such function, or an argument is not one it takes.
    """
    function = FUNCTIONS.get(node.function)
    if function is None:
        hint = did_you_mean(node.function, FUNCTIONS) or f"; there are {', '.join(FUNCTIONS)}"
        raise context.text.error(f"there is no table function {node.function}{hint}", node.name_start)
    rows = queries.rows(node.cursor)
    context.goes_by_time = True
    if rows.order is not None and not rows.order.keys and rows.order.floor_ms == 1:
        rows = replace(rows, order=None)  # by ROWTIME alone, as they come anyhow
    if rows.order is not None and function.is_ordered:
        raise context.text.error(
            f"{node.function} goes by the order of ROWTIME: a sorted input would give other results, leave ORDER BY "
            "out of what it reads",
            rows.order.start,
        )
    arguments = _arguments(context, node, function)
    view = _input_view(context, node, rows)
    called = Called(context, node, view, tuple(c for c in rows.columns if c.name != ROWTIME), arguments)
    sql, columns = function.build(called)
    order = None
    if node.function == "GROUP_RANK":
        order = Order(1, (("sort key 1", str(arguments["outputOrder"]).lower() == "desc"),), node.start)
    name = context.helper({"RANDOM_CUT_FOREST": "scored", "HOTSPOTS": "hotspots"}.get(node.function, "result"), sql)
    return Stream(name, name, columns, order)


def _input_view(context: Context, node: tree.TableCall, rows: Rows) -> str:
    """The view that the function reads: the stream itself where the cursor is all of it."""
    query = node.cursor
    if isinstance(query, tree.Select) and isinstance(query.source, tree.StreamName) and query.source.over is None:
        plain = query.where is None and not query.group_by and not query.distinct and query.stagger is None
        is_all = len(query.items) == 1 and isinstance(query.items[0].value, tree.Star)
        if plain and is_all and query.source.name in context.streams:
            return context.streams[query.source.name].view
    return context.helper("input", rows.sql)


def _arguments(context: Context, node: tree.TableCall, function: TableFunction) -> dict[str, object]:
    if len(node.arguments) > len(function.parameters):
        names = ", ".join(parameter.name for parameter in function.parameters)
        raise context.text.error(
            f"{node.function} takes at most {len(function.parameters)} arguments behind the cursor ({names}), "
            f"got {len(node.arguments)}",
            node.arguments[len(function.parameters)].start,
        )
    found: dict[str, object] = {}
    for index, parameter in enumerate(function.parameters):
        if index < len(node.arguments):
            found[parameter.name] = _checked(context, node, parameter, node.arguments[index])
        elif parameter.default is None and not parameter.optional:
            raise context.text.error(f"{node.function}: {parameter.name} is missing", node.name_start)
        else:
            found[parameter.name] = parameter.default
    return found


def _checked(context: Context, node: tree.TableCall, parameter: Parameter, given: tree.Expression) -> object:
    value = _literal(given)
    expected = {int: "a whole number", float: "a number", bool: "TRUE or FALSE", str: "a text in single quotes"}
    is_number = isinstance(value, int) and not isinstance(value, bool)
    fits = isinstance(value, parameter.kind) and (parameter.kind is bool or not isinstance(value, bool))
    if not fits and not (parameter.kind is float and is_number):
        raise context.text.error(
            f"{node.function}: {parameter.name} must be {expected[parameter.kind]}, written out", given.start
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = parameter.low, parameter.high
        if (low is not None and value < low) or (high is not None and value > high):
            shown = f"in {low:g}..{high:.0f}" if low is not None and high is not None else f"at least {low:g}"
            raise context.text.error(f"{node.function}: {parameter.name} must be {shown}, got {value}", given.start)
    if parameter.choices and str(value).lower() not in parameter.choices:
        shown = " or ".join(f"'{choice}'" for choice in parameter.choices)
        raise context.text.error(f"{node.function}: {parameter.name} must be {shown}, got '{value}'", given.start)
    return value


def _literal(node: tree.Expression) -> object:
    if isinstance(node, tree.Unary) and node.operator == "-":
        inner = _literal(node.operand)
        return -inner if isinstance(inner, int | float) else None
    if isinstance(node, tree.Number):
        return int(node.text) if node.text.isdigit() else float(node.text)
    if isinstance(node, tree.Text):
        return node.value
    return node.value if isinstance(node, tree.Truth) else None


# ---------------------------------------------------------------- models


def _scored_columns(called: Called) -> list[str]:
    """The numeric columns, which are what a model reads."""
    scored = []
    for column in called.columns:
        kind = column.value.type
        if kind is not None and kind.name == "DECIMAL":
            raise called.error(f"column {column.name} is DECIMAL, which is not supported: CAST it to DOUBLE")
        if kind is not None and kind.is_numeric and column.value.unit is None and column.floor_ms is None:
            scored.append(column.name)
    if not scored:
        raise called.error("the input has no numeric column: nothing could be scored")
    if len(scored) > MOST_SCORED:
        called.context.warnings.append(
            (
                f"{called.node.function}: of {len(scored)} numeric columns the first {MOST_SCORED} are scored, as "
                f"many as it takes; {', '.join(scored[MOST_SCORED:])} only pass through: select those that matter",
                called.node.name_start,
            )
        )
    return scored[:MOST_SCORED]


def _model(called: Called, function: str, options: Mapping[str, object], added: Sequence[tuple[str, str, ColumnType]]):  # type: ignore[no-untyped-def]
    names = [column.name for column in called.columns]
    for _, name, _ in added:
        if name.upper() in [other.upper() for other in names]:
            raise called.error(f"the input has a column {name} already: give it another alias in the cursor")
    arguments = {
        "input": f"TABLE {quote.name(called.view)}",
        "on_time": f"DESCRIPTOR({quote.name(ROWTIME)})",
        "columns": f"DESCRIPTOR({quote.names(_scored_columns(called))})",
        **options,
        "batch": "INTERVAL '${batch:-1}' SECOND",
    }
    width = max(map(len, arguments))
    listed = ",\n".join(f"  {name:<{width}} => {value}" for name, value in arguments.items())
    results = [f"{quote.name(result)} AS {quote.name(name)}" for result, name, _ in added]
    columns = [*called.columns, *(Column(name, Value(quote.name(name), kind)) for _, name, kind in added)]
    sql = f"SELECT {quote.names([ROWTIME, *names])}, {', '.join(results)}\nFROM {function}(\n{listed})"
    return sql, tuple(columns)


def _forest(called: Called, function: str = "RANDOM_CUT_FOREST") -> tuple[str, tuple[Column, ...]]:
    given = called.arguments
    sample, decay = given["subSampleSize"], given["timeDecay"]
    assert isinstance(sample, int) and isinstance(decay, int)
    if sample >= decay:
        raise called.error(f"subSampleSize must be less than timeDecay, got {sample} and {decay}", "subSampleSize")
    options: dict[str, object] = {
        "trees": given["numberOfTrees"],
        "sample_size": sample,
        "time_decay": decay,
        "shingle_size": given["shingleSize"],
    }
    added = [("anomaly_score", "ANOMALY_SCORE", DOUBLE)]
    if function == "RANDOM_CUT_FOREST_WITH_EXPLANATION":
        options["with_directionality"] = str(given["withDirectionality"]).upper()
        added.append(("anomaly_explanation", "ANOMALY_EXPLANATION", VARCHAR))
    found: tuple[str, tuple[Column, ...]] = _model(called, function, options, added)
    return found


def _explained(called: Called) -> tuple[str, tuple[Column, ...]]:
    return _forest(called, "RANDOM_CUT_FOREST_WITH_EXPLANATION")


def _hotspots(called: Called) -> tuple[str, tuple[Column, ...]]:
    given = called.arguments
    window, radius, minimum = (given[name] for name in ("windowSize", "scanRadius", "minimumNumberOfPointsInAHotspot"))
    assert isinstance(window, int) and isinstance(radius, int | float) and isinstance(minimum, int)
    if radius <= 0:
        raise called.error(f"scanRadius must be above 0, got {radius}", "scanRadius")
    if minimum > window:
        raise called.error(
            f"minimumNumberOfPointsInAHotspot must be in 2..{window}, the windowSize, got {minimum}",
            "minimumNumberOfPointsInAHotspot",
        )
    options: dict[str, object] = {"window_size": window, "scan_radius": radius, "minimum_points": minimum}
    found: tuple[str, tuple[Column, ...]] = _model(
        called, "HOTSPOTS", options, [("hotspots_result", "HOTSPOTS_RESULT", VARCHAR)]
    )
    return found


# ---------------------------------------------------------------- counting and ranking


def _window(called: Called, seconds: object) -> str:
    assert isinstance(seconds, int)
    interval = interval_sql(seconds * 1_000)
    return f"TABLE(TUMBLE(TABLE {quote.name(called.view)}, DESCRIPTOR({quote.name(ROWTIME)}), {interval}))"


def _top_k(called: Called) -> tuple[str, tuple[Column, ...]]:
    column = called.column("column")
    sql = (
        f"SELECT `window_time` AS {quote.name(ROWTIME)}, `ITEM`, `ITEM_COUNT`\nFROM (\n"
        "  SELECT *, ROW_NUMBER() OVER (PARTITION BY `window_start`, `window_end`"
        " ORDER BY `ITEM_COUNT` DESC, `ITEM`) AS `place`\n  FROM (\n"
        f"    SELECT `window_start`, `window_end`, `window_time`, {quote.name(column.name)} AS `ITEM`,"
        " COUNT(*) AS `ITEM_COUNT`\n"
        f"    FROM {_window(called, called.arguments['windowSize'])}\n"
        f"    WHERE {quote.name(column.name)} IS NOT NULL\n"
        f"    GROUP BY {quote.name(column.name)}, `window_start`, `window_end`, `window_time`\n  )\n)\n"
        f"WHERE `place` <= {called.arguments['K']}"
    )
    return sql, (
        Column("ITEM", Value("`ITEM`", column.value.type)),
        Column("ITEM_COUNT", Value("`ITEM_COUNT`", BIGINT)),
    )


def _count_distinct(called: Called) -> tuple[str, tuple[Column, ...]]:
    column = called.column("column")
    name = "NUMBER_OF_DISTINCT_ITEMS"
    sql = (
        f"SELECT `window_time` AS {quote.name(ROWTIME)}, COUNT(DISTINCT {quote.name(column.name)}) AS `{name}`\n"
        f"FROM {_window(called, called.arguments['windowSize'])}\n"
        "GROUP BY `window_start`, `window_end`, `window_time`"
    )
    return sql, (Column(name, Value(f"`{name}`", BIGINT)),)


def _group_rank(called: Called) -> tuple[str, tuple[Column, ...]]:
    """Rows of one ROWTIME, gathered: all their values in an array, in which the place of a row's value is its rank."""
    ranked = called.column("rankByColumnName")
    rank = str(called.arguments["rankOutColumnName"])
    names = [column.name for column in called.columns]
    if rank in names:
        raise called.error(f"the input has a column {rank} already", "rankOutColumnName")
    down = str(called.arguments["sortOrder"]).lower() == "desc"
    output_down = str(called.arguments["outputOrder"]).lower() == "desc"
    value = quote.name(ranked.name)
    window = (
        f"TABLE(TUMBLE(TABLE {quote.name(called.view)}, DESCRIPTOR({quote.name(ROWTIME)}), INTERVAL '0.001' SECOND))"
    )
    rows = f"SELECT * FROM {window}"
    if called.arguments["outputMax"]:
        # the first rows of the output: by rank, or from the other end
        order = "DESC" if down != output_down else "ASC"
        number = f"ROW_NUMBER() OVER (PARTITION BY `window_start`, `window_end` ORDER BY {value} {order}) AS `place`"
        rows = f"SELECT * FROM (SELECT *, {number} FROM {window}) WHERE `place` <= {called.arguments['outputMax']}"
    sorted_values = f"ARRAY_SORT(`g`.`values`, {str(not down).upper()})"
    place = f"ARRAY_POSITION({sorted_values}, `r`.{value})"
    # NULL is the smallest value, as in ORDER BY
    if down:
        position = f"CASE WHEN `r`.{value} IS NULL THEN `g`.`filled` + 1 ELSE {place} END"
    else:
        position = f"CASE WHEN `r`.{value} IS NULL THEN 1 ELSE {place} + `g`.`rows` - `g`.`filled` END"
    listed = ", ".join(f"`r`.{quote.name(name)}" for name in names)
    sql = (
        f"SELECT *, {quote.name(rank)} AS {quote.name('sort key 1')} FROM (\n"
        f"SELECT `r`.`window_time` AS {quote.name(ROWTIME)}, {listed},\n"
        f"  CAST({position} AS INT) AS {quote.name(rank)}\n"
        f"FROM ({rows}) AS `r`\n"
        "JOIN (\n"
        "  SELECT `window_start`, `window_end`, COUNT(*) AS `rows`, COUNT("
        f"{value}) AS `filled`, ARRAY_AGG({value} IGNORE NULLS) AS `values`\n"
        f"  FROM {window}\n  GROUP BY `window_start`, `window_end`\n) AS `g`\n"
        "  ON `r`.`window_start` = `g`.`window_start` AND `r`.`window_end` = `g`.`window_end`)"
    )
    columns = [*called.columns, Column(rank, Value(quote.name(rank), INTEGER))]
    return sql, tuple(columns)


_FOREST: Final = (
    Parameter("numberOfTrees", int, 1, 1_000, 100),
    Parameter("subSampleSize", int, 10, 1_000, 256),
    Parameter("timeDecay", int, 1, 2**31 - 1, 100_000),
    Parameter("shingleSize", int, 1, 30, 1),
)
_ORDERS: Final = ("asc", "desc")

#: The functions of TABLE(...) by name.
FUNCTIONS: Final[Mapping[str, TableFunction]] = {
    "RANDOM_CUT_FOREST": TableFunction(_FOREST, _forest),
    "RANDOM_CUT_FOREST_WITH_EXPLANATION": TableFunction(
        (*_FOREST, Parameter("withDirectionality", bool, default=False)), _explained
    ),
    "HOTSPOTS": TableFunction(
        (
            Parameter("windowSize", int, 100, 1_000),
            Parameter("scanRadius", float),
            Parameter("minimumNumberOfPointsInAHotspot", int, 2, 1_000),
        ),
        _hotspots,
    ),
    "TOP_K_ITEMS_TUMBLING": TableFunction(
        (
            Parameter("column", str),
            Parameter("K", int, 1, 100_000),
            Parameter("windowSize", int, 1, 3_600),
        ),
        _top_k,
        is_ordered=False,
    ),
    "COUNT_DISTINCT_ITEMS_TUMBLING": TableFunction(
        (Parameter("column", str), Parameter("windowSize", int, 1, 3_600)), _count_distinct, is_ordered=False
    ),
    "GROUP_RANK": TableFunction(
        (
            Parameter("rankByColumnName", str),
            Parameter("rankOutColumnName", str),
            Parameter("sortOrder", str, choices=_ORDERS),
            Parameter("outputOrder", str, choices=_ORDERS),
            Parameter("maxIdle", int, 0, 2**31 - 1),
            Parameter("outputMax", int, 0, 2**31 - 1),
        ),
        _group_rank,
        is_ordered=False,
    ),
}
