"""What a call becomes, as SQL: packing in front of the model, unpacking behind it."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import SqlError
from jobs.expand import quote
from jobs.expand.crossing import Crossing, Element, crossing_of, epoch_ms, time_crossing
from jobs.expand.source import HIDDEN
from jobs.sql.checks import CheckedCall, InputColumn
from udfs.functions.declaration import base_type
from udfs.pack import PackLayout


@dataclass(frozen=True)
class CallExpansion:
    """A call as SQL around a process function.

    Parameters
    ----------
    input_view, input_query
        The rows that go in, with the number of their bucket.
    pack_query
        One row a bucket and interval: the bucket, and a row of arrays.
    pack_elements
        The type of each array's elements; behind them comes the interval's end in milliseconds.
    layout
        Where things are in a pack.
    packed_view, packed_columns
        What comes out of the process function: a view, and name and type of each column.
    unpack_query
        One row a record again, in their own types.
    result_columns
        Name and type of each column of the result, the hidden one last.
    carries_order
        Whether there is a hidden one.
    time
        The time attribute.
    """

    input_view: str
    input_query: str
    pack_query: str
    pack_elements: tuple[Element, ...]
    added_types: tuple[str, ...]
    layout: PackLayout
    packed_view: str
    unpack_query: str
    result_columns: tuple[tuple[str, str], ...]
    carries_order: bool
    time: str


#: The column that carries a pack's last millisecond.
PACK_TIME = "__pack_ms"

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
    call = checked.call
    crossings = [_crossing(checked, column) for column in checked.schema]
    names = [column.name for column in checked.schema]
    view = f"{call.name} (input)"
    key_types = {column.name: column.sql_type for column in checked.schema}
    bucket = _bucket(call.partition_by, key_types, call.arguments["buckets"])
    hidden_names = [HIDDEN] if hidden else []
    # names of our own: the input may have a `window_start` of another window
    elements = [
        f"{crossing.pack.replace('{0}', quote.name(column))} AS {quote.name(f'c{i}')}"
        for i, (crossing, column) in enumerate(zip(crossings, names, strict=True))
    ]
    arrays = [quote.name(f"c{i}") for i in range(len(names))] + [quote.name(column) for column in hidden_names]
    gathered = [f"ARRAY_AGG({array}) AS {array}" for array in arrays]
    time_type = key_types[call.on_time]
    end = epoch_ms(time_type).replace("{0}", "`window_time`") + " + 1"
    interval = quote.interval(call.arguments["batch"])
    pack_query = (
        f"SELECT `__bucket`, ROW({', '.join(arrays)}, `__end`) AS `__pack` FROM (\n"
        f"  SELECT `__bucket`, {', '.join(gathered)},\n    {end} AS `__end`\n"
        f"  FROM TABLE(TUMBLE(TABLE {quote.name(view)}, DESCRIPTOR(`__time`), {interval}))\n"
        "  GROUP BY `__bucket`, `window_start`, `window_end`, `window_time`)"
    )
    added = call.function.added
    result = [
        *((c.name, _nullable(c.sql_type)) for c in checked.schema),
        *((a.name, a.sql_type) for a in added),
    ]
    width = len(names)
    carried = hidden_names if carry else []
    arrays_out = [quote.name(f"f{i}") for i in range(width + len(added) + len(carried))]
    zipped, paths = side_by_side(arrays_out)
    unpacked = [
        f"{crossing.unpack.replace('{0}', path)} AS {quote.name(column)}"
        for crossing, path, column in zip(crossings, paths, names, strict=False)
    ]
    unpacked += [
        f"{path} AS {quote.name(column)}"
        for path, column in zip(paths[width:], [*(a.name for a in added), *carried], strict=True)
    ]
    packed_view = f"{call.name} (packs)"
    return CallExpansion(
        input_view=view,
        input_query=(
            f"SELECT {bucket} AS `__bucket`, {quote.name(call.on_time)} AS `__time`,\n"
            f"  {', '.join([*elements, *map(quote.name, hidden_names)])}\nFROM (\n{input_query}\n)"
        ),
        pack_query=pack_query,
        pack_elements=(
            *(crossing.element for crossing in crossings),
            *((Element.BIGINT,) if hidden else ()),
        ),
        added_types=tuple(a.sql_type for a in added),
        layout=PackLayout(
            width=width,
            time=names.index(call.on_time),
            keys=tuple(names.index(key) for key in call.partition_by),
            values=tuple(names.index(column) for column in checked.column_names),
            order=tuple(range(width, width + len(hidden_names))),
        ),
        packed_view=packed_view,
        unpack_query=(
            f"SELECT {', '.join(unpacked)}\nFROM {quote.name(packed_view)} "
            f"CROSS JOIN UNNEST({zipped}) AS {_PAIR}(`key`, `value`)"
        ),
        result_columns=(*result, *((name, "BIGINT") for name in carried)),
        carries_order=bool(carried),
        time=call.on_time,
    )


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


def _bucket(keys: tuple[str, ...], types: dict[str, str], buckets: int) -> str:
    """SQL of the number of a row's bucket; NULL keys have one too."""
    if not keys:
        return "0"
    texts = [
        quote.name(key)
        if base_type(types[key]) in ("STRING", "VARCHAR", "CHAR")
        else f"CAST({quote.name(key)} AS STRING)"
        for key in keys
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
