"""A call in the job graph: packed in SQL, keyed without Python, hosted, unpacked in SQL again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyflink.common import Types
from pyflink.table import Table

from jobs.expand import flink, quote
from jobs.expand.call_sql import PACK_TIME, CallExpansion, expand_call
from jobs.expand.labelled_sql import Rows, expand_labelled_call
from jobs.expand.meeting import meet
from jobs.expand.ordered import ordered_query
from jobs.expand.runner import Runner
from jobs.expand.source import HIDDEN
from jobs.expand.vector_sql import expand_vector_call
from jobs.sql.call import Call, Input
from jobs.sql.checks import InputColumn, check_call
from jobs.sql.label_checks import check_labelled_call
from jobs.sql.vector_checks import check_vector_call
from udfs.bucket import SnapshotPolicy
from udfs.functions.labelled import LabelledFunction
from udfs.label_host import LabelHost, LabelPlan
from udfs.model_host import HostPlan, ModelHost
from udfs.pack_host import PackHost
from udfs.vector_host import VectorHost, VectorPlan


@dataclass(frozen=True)
class HostOptions:
    """What holds for all calls of a file.

    Attributes
    ----------
    policy
        When models are snapshotted.
    live_bytes
        Size of live models in a worker above which quiet ones leave memory.
    others
        Whether there is more than one call: a result then carries its rows' order on to the next.
    meets
        Of the calls that read several tables, by name: options of one of these from Kafka, empty where none is.
    """

    policy: SnapshotPolicy
    live_bytes: int
    others: bool
    meets: Mapping[str, Mapping[str, str]]


def build_call(runner: Runner, call: Call, views: Mapping[str, str], options: HostOptions) -> str:
    """Build a call of a model.

    Parameters
    ----------
    runner
        Where it is built.
    call
        The call.
    views
        The quoted names of the views of calls inside of it, by their names.
    options
        What the file says for all its calls.

    Returns
    -------
    str
        Name of the view of its result.

    Raises
    ------
    SqlError
        Something in the call is wrong.
    """
    query = call.input.query(views)
    expansion, column_names = _expanded(runner, call, views, options)
    for i, (view, query_of_view) in enumerate(expansion.views):
        rows = query_of_view
        if i == 0 and call.name in options.meets:
            rows = meet(runner, call, query, rows, expansion.late_query, options.meets[call.name])
        runner.step(f"{call.name}: the {view.removeprefix(call.name).strip(' ()')}, in buckets", rows)
        runner.tables.create_temporary_view(quote.name(view), runner.query(call.statement, query, rows))
    runner.step(f"{call.name}: packed", expansion.pack_query)
    packs = runner.query(call.statement, query, expansion.pack_query)
    runner.step(
        f"{call.name}: {call.function.name}",
        f"-- keyed by bucket; a Python process function, uid '{call.name}'\n"
        f"-- reads {', '.join(column_names)}; {_shown_arguments(call)}",
    )
    runner.guard(call.statement, query, lambda: _host(runner, call, column_names, expansion, packs, options))
    runner.step(f"{call.name}: unpacked", expansion.unpack_query)
    result = f"{call.name} (result)"
    everything = result if not expansion.carries_order else f"{call.name} (result, ordered)"
    unpacked = runner.query(call.statement, query, expansion.unpack_query)
    runner.guard(
        call.statement,
        query,
        lambda: flink.through_stream(runner.tables, unpacked, everything, expansion.result_columns, expansion.time),
    )
    if expansion.carries_order:
        shown = [column for column, _ in expansion.result_columns if column != HIDDEN]
        runner.view(result, f"SELECT {quote.names(shown)} FROM {quote.name(everything)}")
        runner.ordered[result] = everything
    return result


def _expanded(
    runner: Runner, call: Call, views: Mapping[str, str], options: HostOptions
) -> tuple[CallExpansion, tuple[str, ...]]:
    """The call as SQL, checked against its tables; and the columns its model reads."""
    schema, rows, hidden = _table(runner, call, call.input, views)
    if call.vectors is not None:
        columns, vectors, ordered = _table(runner, call, call.vectors, views)
        with_vectors = check_vector_call(call, schema, call.vectors, columns)
        reads, theirs = Rows(rows, hidden), Rows(vectors, ordered)
        return expand_vector_call(with_vectors, reads, theirs, carry=options.others), with_vectors.checked.column_names
    if not isinstance(call.function, LabelledFunction):
        checked = check_call(call, schema)
        return expand_call(checked, rows, hidden=hidden, carry=options.others), checked.column_names
    labels = None if call.labels is None else _table(runner, call, call.labels, views)
    fitting = check_labelled_call(call, call.function, schema, None if labels is None else labels[0])
    expansion = expand_labelled_call(
        fitting,
        Rows(rows, hidden),
        None if labels is None else Rows(labels[1], labels[2]),
        carry=options.others,
    )
    return expansion, fitting.checked.column_names


def _table(runner: Runner, call: Call, table: Input, views: Mapping[str, str]) -> tuple[list[InputColumn], str, bool]:
    """The columns of a table of a call; its rows as a query; and whether that gives the hidden column too."""
    query = table.query(views)
    carried = ordered_query(query, {**runner.ordered, **_inner(runner, views)})
    schema = flink.columns_of(runner.query(call.statement, query))
    return schema, carried or query.text, carried is not None


def _inner(runner: Runner, views: Mapping[str, str]) -> dict[str, str]:
    """Ordered views of the results of calls inside, by their unquoted names."""
    names = [view.strip("`") for view in views.values()]
    return {view: runner.ordered[view] for view in names if view in runner.ordered}


def _host(
    runner: Runner,
    call: Call,
    column_names: tuple[str, ...],
    expansion: CallExpansion,
    packs: Table,
    options: HostOptions,
) -> None:
    plan: dict[str, Any] = {
        "name": call.name,
        "function": call.function,
        "arguments": dict(call.arguments),
        "column_names": column_names,
        "key_names": call.partition_by,
        "layout": expansion.layout,
        "batch_ms": call.arguments["batch"],
        "carries_order": expansion.carries_order,
        "policy": options.policy,
        "live_bytes": options.live_bytes,
    }
    host: ModelHost[Any]
    if expansion.width is not None:
        host = VectorHost(VectorPlan(**plan, width=expansion.width))
    elif expansion.labels is None:
        host = PackHost(HostPlan(**plan))
    else:
        names = tuple(name for name, _ in expansion.result_columns[: expansion.labels.width])
        host = LabelHost(LabelPlan(**plan, labels=expansion.labels, input_names=names))
    elements = [*expansion.pack_elements]
    keyed = flink.key_by_bucket(runner.tables, packs, elements, f"{call.name} (packs of {call.arguments['batch']} ms)")
    out_elements = expansion.out_elements
    output = Types.ROW([*(flink.array_of(element) for element in out_elements), Types.LONG()])
    stream = flink.host(keyed, host, output, call.name, f"{call.function.name} ({call.name})")
    columns = [(f"f{i}", f"ARRAY<{element.value}>") for i, element in enumerate(out_elements)]
    flink.as_view(
        runner.tables,
        expansion.packed_view,
        stream,
        [*columns, (f"f{len(columns)}", "BIGINT")],
        PACK_TIME,
        time_from_ms=f"f{len(columns)}",
    )


def _shown_arguments(call: Call) -> str:
    unshown = {"on_time", "uid", *call.function.reads}
    own = {name: value for name, value in call.arguments.items() if name not in unshown}
    return ", ".join(f"{name} => {value}" for name, value in own.items())
