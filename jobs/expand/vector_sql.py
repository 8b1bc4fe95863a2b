"""What a call with a table of vectors becomes in front of packing: reads, and a copy of each vector for every bucket.

Both become one table by UNION ALL. A kind tells them apart (0 a vector, 1 a read), so that at equal times vectors come
first; the item and the time of a vector stand where a read has its own. A vector crosses as text.
"""

from __future__ import annotations

from jobs.expand import quote
from jobs.expand.call_sql import (
    CallExpansion,
    added_elements,
    bucket_sql,
    crossings_of,
    late_query,
    pack_query,
    result_columns,
    unpack_query,
)
from jobs.expand.crossing import Element
from jobs.expand.labelled_sql import Rows
from jobs.expand.source import HIDDEN
from jobs.sql.vector_checks import CheckedVectors
from udfs.functions.user_vector import VECTOR, VERSION
from udfs.pack import PackLayout

#: Columns of ours behind the input's.
OURS = ("__version", "__vector", "__kind")


def expand_vector_call(fitting: CheckedVectors, reads: Rows, vectors: Rows, *, carry: bool) -> CallExpansion:
    """The SQL of a call.

    Parameters
    ----------
    fitting
        The call and the columns of its tables, without hidden ones.
    reads, vectors
        Its tables.
    carry
        Whether the result has the hidden column too, because another call may read the result.

    Raises
    ------
    SqlError
        A column of the input has a type that cannot cross.
    """
    checked, call = fitting.checked, fitting.checked.call
    names = [column.name for column in checked.schema]
    types = {column.name: column.sql_type for column in checked.schema}
    crossings = crossings_of(checked)
    hidden = reads.hidden or vectors.hidden
    hidden_names = [HIDDEN] if hidden else []
    width, item = len(names), names.index(checked.columns[0].name)

    def select(known: dict[str, str], ours: tuple[str, str, str], bucket: str, source: str, has_order: bool) -> str:
        columns = [f"{bucket} AS `__bucket`", f"{known[call.on_time]} AS `__time`"]
        for i, (crossing, name) in enumerate(zip(crossings, names, strict=True)):
            value = crossing.pack.replace("{0}", known[name]) if name in known else None
            columns.append(f"{value or f'CAST(NULL AS {crossing.element.value})'} AS {quote.name(f'c{i}')}")
        columns += [f"{value} AS {quote.name(name)}" for value, name in zip(ours, OURS, strict=True)]
        if hidden:
            columns.append(quote.name(HIDDEN) if has_order else f"CAST(0 AS BIGINT) AS {quote.name(HIDDEN)}")
        return f"SELECT {', '.join(columns)}\nFROM {source}"

    buckets = call.arguments["buckets"]
    key = bucket_sql([(quote.name(name), types[name]) for name in call.partition_by], buckets)
    of_reads = select(
        {name: quote.name(name) for name in names},
        ("CAST(NULL AS BIGINT)", "CAST(NULL AS STRING)", "1"), key, f"(\n{reads.query}\n)", reads.hidden,
    )  # fmt: skip
    numbers = ", ".join(map(str, range(buckets if call.partition_by else 1)))
    # an array of its row, if always the same: a constant one would be joined, with state that grows for ever
    every = f"CASE WHEN {quote.name(VERSION)} IS NULL THEN ARRAY[0] ELSE ARRAY[{numbers}] END AS `__buckets`"
    copies = f"(SELECT *, {every} FROM (\n{vectors.query}\n)) AS `w` CROSS JOIN UNNEST(`w`.`__buckets`) AS `b`(`n`)"
    version = f"CAST({quote.name(VERSION)} AS BIGINT)"
    text = f"ARRAY_JOIN(CAST({quote.name(VECTOR)} AS ARRAY<STRING>), ' ')"
    item_type = types[names[item]].removesuffix("NOT NULL").strip()
    of_vectors = select(
        {call.on_time: quote.name(fitting.time.name),
         names[item]: f"CAST({quote.name(fitting.item.name)} AS {item_type})"},
        (version, text, "0"), "`b`.`n`", copies, vectors.hidden,
    )  # fmt: skip
    view = f"{call.name} (reads and vectors)"
    packed = (*(crossing.element for crossing in crossings), Element.BIGINT, Element.STRING, Element.INT)
    order = (Element.BIGINT,) if hidden else ()
    arrays = [*(f"c{i}" for i in range(width)), *OURS, *hidden_names]
    carried = hidden_names if carry else []
    return CallExpansion(
        views=((view, f"{of_reads}\nUNION ALL\n{of_vectors}"),),
        pack_query=pack_query(view, arrays, types[call.on_time], call),
        pack_elements=(*packed, *order),
        out_elements=(*packed[:width], *added_elements(call), *(order if carried else ())),
        layout=PackLayout(
            width=width + 2,
            time=names.index(call.on_time),
            keys=tuple(names.index(name) for name in call.partition_by),
            values=(item,),
            order=tuple(range(width + 2, width + 3 + len(order))),
        ),
        packed_view=f"{call.name} (packs)",
        unpack_query=unpack_query(f"{call.name} (packs)", names, crossings, call.function.added, carried),
        result_columns=result_columns(checked, carried),
        carries_order=bool(carried),
        time=call.on_time,
        width=width,
        # of the copies of a vector one is told
        late_query=late_query(
            checked, crossings, f", `__version` AS {quote.name(VERSION)}", " AND (`__kind` = 1 OR `__bucket` = 0)"
        ),
    )
