"""What a call with labels becomes in front of packing: inputs and labels as one stream of rows, with beats among them.

Labels have a table of their own. Their rows and the inputs' become one table by UNION ALL: a kind tells them apart (0
an input, 1 a label, 2 a beat), time, key and id share the input's columns, and the rest is NULL. Equal times are
ordered by kind, so an input comes before its label.

A beat is a row a bucket and interval in which there was any row: with it a label that does not come in time is noticed
where its key has no more rows. Beats fall into the window they are of and reach a bucket in order, like its packs.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from jobs.expand.source import HIDDEN
from jobs.sql.checks import InputColumn
from jobs.sql.label_checks import CheckedLabels, LabelTable
from udfs.functions.declaration import base_type
from udfs.functions.labelled import is_category
from udfs.label_layout import BEAT, INPUT, LABEL, FeatureColumns, LabelLayout
from udfs.pack import PackLayout

#: Columns of ours behind the input's.
LABEL_COLUMN, KIND_COLUMN = "__label", "__kind"


@dataclass(frozen=True)
class Rows:
    """A table of a call as a query, and whether that gives the hidden column too."""

    query: str
    hidden: bool


def expand_labelled_call(fitting: CheckedLabels, inputs: Rows, labels: Rows | None, *, carry: bool) -> CallExpansion:
    """The SQL of a call that learns from labels.

    Parameters
    ----------
    fitting
        The call and the columns of its tables, without hidden ones.
    inputs, labels
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
    crossings = crossings_of(checked)
    hidden = inputs.hidden or (labels is not None and labels.hidden)
    hidden_names = [HIDDEN] if hidden else []
    writer = _Writer(fitting, hidden)
    width, packed = len(names), [crossing.element for crossing in crossings]
    arrays = [f"c{i}" for i in range(width)]
    if labels is None or fitting.table is None:
        label, order_at, kinds = names.index(fitting.label.name), width, 0
        views = [(f"{call.name} (input)", writer.of_inputs(inputs, own_label=True))]
    else:
        label, order_at, kinds = width, width + 1, 1
        arrays += [LABEL_COLUMN, KIND_COLUMN]
        packed += [Element.DOUBLE, Element.INT]
        rows = f"{writer.of_inputs(inputs)}\nUNION ALL\n{writer.of_labels(labels, fitting.table)}"
        views = [(f"{call.name} (inputs and labels)", rows)]
        if call.arguments["label_timeout"] is not None:
            views.append((f"{call.name} (inputs, labels and beats)", writer.with_beats(views[0][0])))
    types = {column.name: column.sql_type for column in checked.schema}
    has_label = kinds and fitting.label.name not in names
    label_sql = f", {quote.name(LABEL_COLUMN)} AS {quote.name(fitting.label.name)}" if has_label else ""
    order = (Element.BIGINT,) if hidden else ()
    carried = hidden_names if carry else []
    features = checked.columns
    return CallExpansion(
        views=tuple(views),
        pack_query=pack_query(views[-1][0], [*arrays, *hidden_names], types[call.on_time], call),
        pack_elements=(*packed, *order),
        out_elements=(*packed[:width], *added_elements(call), *(order if carried else ())),
        layout=PackLayout(
            width=order_at,
            time=names.index(call.on_time),
            keys=tuple(names.index(key) for key in call.partition_by),
            values=(),
            order=tuple(range(order_at, order_at + kinds + len(order))),
        ),
        packed_view=f"{call.name} (packs)",
        unpack_query=unpack_query(f"{call.name} (packs)", names, crossings, call.function.added, carried),
        result_columns=result_columns(checked, carried),
        carries_order=bool(carried),
        time=call.on_time,
        labels=LabelLayout(
            width=width,
            features=FeatureColumns(
                tuple(names.index(column.name) for column in features if not is_category(column.sql_type)),
                tuple((c.name, names.index(c.name)) for c in features if is_category(c.sql_type)),
            ),
            label=label,
            id=None if fitting.id is None else names.index(fitting.id.name),
            kind=order_at if kinds else None,
        ),
        late_query=late_query(checked, crossings, label_sql),
    )


class _Writer:
    """Writes the selects of one call; all have the same columns in the same order."""

    def __init__(self, fitting: CheckedLabels, hidden: bool) -> None:
        self._fitting, self._hidden = fitting, hidden
        self._schema = fitting.checked.schema
        self._crossings = crossings_of(fitting.checked)
        call = fitting.checked.call
        self._time, self._keys, self._buckets = call.on_time, call.partition_by, call.arguments["buckets"]
        self._interval = quote.interval(call.arguments["batch"])

    def of_inputs(self, rows: Rows, *, own_label: bool = False) -> str:
        """The inputs; with `own_label` there are no other rows, and neither label nor kind."""
        known = {column.name: quote.name(column.name) for column in self._schema}
        behind = [] if own_label else [f"CAST(NULL AS DOUBLE) AS {quote.name(LABEL_COLUMN)}", self._kind(INPUT)]
        return self._select(known, rows, behind)

    def of_labels(self, rows: Rows, table: LabelTable) -> str:
        """The labels, as rows of which only time, key, id and label are known."""
        types = {column.name: column.sql_type for column in self._schema}
        known = {self._time: quote.name(table.time.name)}
        id_name = self._fitting.id.name if self._fitting.id is not None else ""
        for name, column in [*zip(self._keys, table.keys, strict=True), (id_name, table.id)]:
            known.setdefault(name, _as_type(column, types[name]))
        label = f"{_as_number(table.label)} AS {quote.name(LABEL_COLUMN)}"
        return self._select(known, rows, [label, self._kind(LABEL)])

    def with_beats(self, view: str) -> str:
        """The rows of a view, and a beat a bucket and interval in which there was any."""
        numbers = ", ".join(map(str, range(self._buckets if self._keys else 1)))
        buckets = f"CASE WHEN `n` > 0 THEN ARRAY[{numbers}] ELSE ARRAY[0] END AS `buckets`"
        # an array of its row, if always the same: a constant one would be joined, with state that grows for ever
        beats = (
            f"  SELECT `window_time` AS `__time`, {buckets} FROM (\n"
            "    SELECT `window_time`, COUNT(*) AS `n`\n"
            f"    FROM TABLE(TUMBLE(TABLE {quote.name(view)}, DESCRIPTOR(`__time`), {self._interval}))\n"
            "    GROUP BY `window_start`, `window_end`, `window_time`)"
        )
        nothing = [f"CAST(NULL AS DOUBLE) AS {quote.name(LABEL_COLUMN)}", self._kind(BEAT)]
        columns = ["`b`.`n` AS `__bucket`", "`__time`", *self._columns({self._time: "`__time`"}), *nothing]
        if self._hidden:
            columns.append(f"CAST(0 AS BIGINT) AS {quote.name(HIDDEN)}")
        return (
            f"SELECT * FROM {quote.name(view)}\nUNION ALL\nSELECT {', '.join(columns)}\nFROM (\n{beats}\n) AS `w` "
            "CROSS JOIN UNNEST(`w`.`buckets`) AS `b`(`n`)"
        )

    def _select(self, known: dict[str, str], rows: Rows, behind: list[str]) -> str:
        types = {column.name: column.sql_type for column in self._schema}
        bucket = bucket_sql([(known[key], types[key]) for key in self._keys], self._buckets)
        columns = [f"{bucket} AS `__bucket`", f"{known[self._time]} AS `__time`", *self._columns(known), *behind]
        if self._hidden:
            columns.append(quote.name(HIDDEN) if rows.hidden else f"CAST(0 AS BIGINT) AS {quote.name(HIDDEN)}")
        return f"SELECT {', '.join(columns)}\nFROM (\n{rows.query}\n)"

    def _columns(self, known: dict[str, str]) -> list[str]:
        """The input's columns as they cross, of what is known of them."""
        return [
            f"{crossing.pack.replace('{0}', known[column.name])} AS {quote.name(f'c{i}')}"
            if column.name in known
            else f"CAST(NULL AS {crossing.element.value}) AS {quote.name(f'c{i}')}"
            for i, (crossing, column) in enumerate(zip(self._crossings, self._schema, strict=True))
        ]

    @staticmethod
    def _kind(kind: int) -> str:
        return f"{kind} AS {quote.name(KIND_COLUMN)}"


def _as_type(column: InputColumn, sql_type: str) -> str:
    """A column of labels as the input has it: equal texts of keys come from equal types."""
    wanted, name = sql_type.removesuffix("NOT NULL").strip(), quote.name(column.name)
    return name if column.sql_type.removesuffix("NOT NULL").strip() == wanted else f"CAST({name} AS {wanted})"


def _as_number(column: InputColumn) -> str:
    """A label as a number."""
    name = quote.name(column.name)
    if base_type(column.sql_type) == "BOOLEAN":
        return f"CASE WHEN {name} THEN CAST(1 AS DOUBLE) WHEN NOT {name} THEN CAST(0 AS DOUBLE) END"
    return f"CAST({name} AS DOUBLE)"
