"""What a call becomes, as SQL: packing in front of the model, unpacking behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.expand.crossing import Crossing, Element, crossing_of, epoch_ms, time_crossing
from jobs.expand.source import HIDDEN
from jobs.sql.call import Call
from jobs.sql.checks import CheckedCall, InputColumn
from udfs.functions.declaration import AddedColumn, base_type
from udfs.label_layout import LabelLayout
from udfs.pack import PackLayout


@dataclass(frozen=True)
class CallExpansion:
    """A call as SQL around a process function.

    Parameters
    ----------
    views
        Name and query of each view in front of packing; the last one has the rows that go in, with the number of
        their bucket.
    pack_query
        One row a bucket and interval: the bucket, and a row of arrays.
    pack_elements
        The type of each array's elements; behind them comes the interval's end in milliseconds.
    out_elements
        The same of what comes out of the process function.
    layout
        Where things are in a pack.
    packed_view
        What comes out of the process function: a view.
    unpack_query
        One row a record again, in their own types.
    result_columns
        Name and type of each column of the result, the hidden one last.
    carries_order
        Whether there is a hidden one.
    time
        The time attribute.
    labels
        Where a pack has labels, of functions that learn from them.
    width
        Number of columns of the input, of functions with a table of vectors; theirs stand behind.
    late_query
        Rows that come too late for this call, as they were written; see `jobs.expand.meeting`.
    """

    views: tuple[tuple[str, str], ...]
    pack_query: str
    pack_elements: tuple[Element, ...]
    out_elements: tuple[Element, ...]
    layout: PackLayout
    packed_view: str
    unpack_query: str
    result_columns: tuple[tuple[str, str], ...]
    carries_order: bool
    time: str
    labels: LabelLayout | None = None
    width: int | None = None
    late_query: str = ""


#: The column that carries a pack's last millisecond.
PACK_TIME = "__pack_ms"

#: Number of the bucket and time attribute of the rows that are packed.
BUCKET, TIME = "__bucket", "__time"
#: Whether a row is late where the tables of a call meet.
IS_LATE = "__late"

#: The name of an unnested row.
_PAIR = "`u`"


def expand_call(checked: CheckedCall, input_query: str, *, hidden: bool, carry: bool) -> CallExpansion:
    """The SQL of a call.

    Parameters
    ----------
    checked
        The call and the columns of its input, without hidden ones.
    input_query
        The input as a query; with `hidden` it gives the hidden column too.
    carry
        Whether the result has it too, because another call may read the result.
    hidden
        Whether partition and offset are at hand to order equal times.

    Raises
    ------
    SqlError
        A column of the input has a type that cannot cross.
    """
    call, names = checked.call, [column.name for column in checked.schema]
    crossings = crossings_of(checked)
    view = f"{call.name} (input)"
    hidden_names = [HIDDEN] if hidden else []
    # names of our own: the input may have a `window_start` of another window
    elements = [
        f"{crossing.pack.replace('{0}', quote.name(column))} AS {quote.name(f'c{i}')}"
        for i, (crossing, column) in enumerate(zip(crossings, names, strict=True))
    ]
    types = {column.name: column.sql_type for column in checked.schema}
    bucket = bucket_sql([(quote.name(key), types[key]) for key in call.partition_by], call.arguments["buckets"])
    input_view_query = (
        f"SELECT {bucket} AS `__bucket`, {quote.name(call.on_time)} AS `__time`,\n"
        f"  {', '.join([*elements, *map(quote.name, hidden_names)])}\nFROM (\n{input_query}\n)"
    )
    width = len(names)
    carried = hidden_names if carry else []
    packed = tuple(crossing.element for crossing in crossings)
    order = (Element.BIGINT,) if hidden else ()
    return CallExpansion(
        views=((view, input_view_query),),
        pack_query=pack_query(view, [*(f"c{i}" for i in range(width)), *hidden_names], types[call.on_time], call),
        pack_elements=(*packed, *order),
        out_elements=(*packed, *added_elements(call), *(order if carried else ())),
        layout=PackLayout(
            width=width,
            time=names.index(call.on_time),
            keys=tuple(names.index(key) for key in call.partition_by),
            values=tuple(names.index(column) for column in checked.column_names),
            order=tuple(range(width, width + len(hidden_names))),
        ),
        packed_view=f"{call.name} (packs)",
        unpack_query=unpack_query(f"{call.name} (packs)", names, crossings, call.function.added, carried),
        result_columns=result_columns(checked, carried),
        carries_order=bool(carried),
        time=call.on_time,
        late_query=late_query(checked, crossings),
    )


def late_query(checked: CheckedCall, crossings: Sequence[Crossing], also: str = "", which: str = "") -> str:
    """The late ones of the rows of a call: the input's columns, taken back from the form in which they cross."""
    columns = [
        f"{crossing.unpack.replace('{0}', quote.name(f'c{i}'))} AS {quote.name(column.name)}"
        for i, (crossing, column) in enumerate(zip(crossings, checked.schema, strict=True))
    ]
    rows = quote.name(rows_of(checked.call))
    return f"SELECT {', '.join(columns)}{also} FROM {rows} WHERE {quote.name(IS_LATE)}{which}"


def rows_of(call: Call) -> str:
    """The view of a call's rows of all its tables, each with whether it is late."""
    return f"{call.name} (all rows)"


def pack_query(view: str, arrays: Sequence[str], time_type: str, call: Call) -> str:
    """One row a bucket and interval: the bucket, and a row of arrays of these columns and the interval's end."""
    quoted = [quote.name(array) for array in arrays]
    gathered = ", ".join(f"ARRAY_AGG({array}) AS {array}" for array in quoted)
    end = epoch_ms(time_type).replace("{0}", "`window_time`") + " + 1"
    interval = quote.interval(call.arguments["batch"])
    return (
        f"SELECT `__bucket`, ROW({', '.join(quoted)}, `__end`) AS `__pack` FROM (\n"
        f"  SELECT `__bucket`, {gathered},\n    {end} AS `__end`\n"
        f"  FROM TABLE(TUMBLE(TABLE {quote.name(view)}, DESCRIPTOR(`__time`), {interval}))\n"
        "  GROUP BY `__bucket`, `window_start`, `window_end`, `window_time`)"
    )


def unpack_query(
    packed_view: str,
    names: Sequence[str],
    crossings: Sequence[Crossing],
    added: Sequence[AddedColumn],
    carried: Sequence[str],
) -> str:
    """One row a record: the input's columns in their own types, the added ones, the carried hidden one."""
    width = len(names)
    zipped, paths = side_by_side([quote.name(f"f{i}") for i in range(width + len(added) + len(carried))])
    unpacked = [
        f"{crossing.unpack.replace('{0}', path)} AS {quote.name(column)}"
        for crossing, path, column in zip(crossings, paths, names, strict=False)
    ]
    unpacked += [
        f"{path} AS {quote.name(column)}"
        for path, column in zip(paths[width:], [*(a.name for a in added), *carried], strict=True)
    ]
    return (
        f"SELECT {', '.join(unpacked)}\nFROM {quote.name(packed_view)} "
        f"CROSS JOIN UNNEST({zipped}) AS {_PAIR}(`key`, `value`)"
    )


def result_columns(checked: CheckedCall, carried: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Name and type of each column of a call's result."""
    return (
        *((column.name, _nullable(column.sql_type)) for column in checked.schema),
        *((added.name, added.sql_type) for added in checked.call.function.added),
        *((name, "BIGINT") for name in carried),
    )


def added_elements(call: Call) -> tuple[Element, ...]:
    """The types of the columns a function adds, as they cross."""
    return tuple(Element(added.sql_type) for added in call.function.added)


def crossings_of(checked: CheckedCall) -> list[Crossing]:
    """The way of each column of the input.

    Raises
    ------
    SqlError
        One has none.
    """
    return [_crossing(checked, column) for column in checked.schema]


def _crossing(checked: CheckedCall, column: InputColumn) -> Crossing:
    if column.name == checked.call.on_time:
        return time_crossing(column.sql_type)
    crossing = crossing_of(column.sql_type)
    if crossing is None:
        raise _cannot_cross(checked, column)
    return crossing


def _cannot_cross(checked: CheckedCall, column: InputColumn) -> SqlError:
    return checked.call.error(
        f"column {column.name} is {column.sql_type}, which cannot pass through a model call: "
        "read the other columns only, input => (SELECT ... FROM ...), or turn it into a STRING before",
        checked.call.input.start,
    )


def bucket_sql(keys: Sequence[tuple[str, str]], buckets: int) -> str:
    """SQL of the number of a row's bucket, of the key's expressions and their types; NULL keys have one too."""
    if not keys:
        return "0"
    texts = [
        key if base_type(sql_type) in ("STRING", "VARCHAR", "CHAR") else f"CAST({key} AS STRING)"
        for key, sql_type in keys
    ]
    if len(texts) == 1:
        hashed = f"COALESCE(HASH_CODE({texts[0]}), 0)"
    else:
        hashed = "HASH_CODE(CONCAT(" + ", '|', ".join(f"COALESCE({text}, '')" for text in texts) + "))"
    return f"MOD(MOD({hashed}, {buckets}) + {buckets}, {buckets})"


def side_by_side(arrays: list[str]) -> tuple[str, list[str]]:
    """SQL of one array of all arrays' elements side by side, and the path of each element in one of its rows.

    UNNEST takes one array. Reading the others by its ordinality costs each row a copy of each whole array, because
    Flink's generated code copies an array it reads from a row. Entries of a map of two arrays are pairs (nothing is
    hashed), so pairs of pairs hold one element of each.
    """
    if len(arrays) == 1:
        return arrays[0], [_PAIR]
    half = len(arrays) // 2
    (left, left_paths), (right, right_paths) = side_by_side(arrays[:half]), side_by_side(arrays[half:])
    paths = [path.replace(_PAIR, f"{_PAIR}.`key`", 1) for path in left_paths]
    paths += [path.replace(_PAIR, f"{_PAIR}.`value`", 1) for path in right_paths]
    return f"MAP_ENTRIES(MAP_FROM_ARRAYS({left}, {right}))", paths


def _nullable(sql_type: str) -> str:
    return sql_type.replace("*ROWTIME*", "").strip().removesuffix("NOT NULL").strip()
