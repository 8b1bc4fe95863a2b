"""A call in the job graph: packed in SQL, keyed without Python, hosted, unpacked in SQL again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyflink.common import Types
from pyflink.table import Table

from jobs.expand import flink, quote
from jobs.expand.call_sql import PACK_TIME, CallExpansion, expand_call
from jobs.expand.crossing import Element
from jobs.expand.ordered import ordered_query
from jobs.expand.runner import Runner
from jobs.expand.source import HIDDEN
from jobs.sql.call import Call
from jobs.sql.checks import CheckedCall, check_call
from udfs.bucket import SnapshotPolicy
from udfs.pack_host import HostPlan, PackHost


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
    """

    policy: SnapshotPolicy
    live_bytes: int
    others: bool


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
    carried = ordered_query(query, {**runner.ordered, **_inner(runner, views)})
    table = runner.query(call.statement, query)
    checked = check_call(call, flink.columns_of(table))
    expansion = expand_call(checked, carried or query.text, hidden=carried is not None, carry=options.others)
    runner.step(f"{call.name}: the input, in buckets", expansion.input_query)
    runner.tables.create_temporary_view(
        quote.name(expansion.input_view), runner.query(call.statement, query, expansion.input_query)
    )
    runner.step(f"{call.name}: packed", expansion.pack_query)
    packs = runner.query(call.statement, query, expansion.pack_query)
    runner.step(
        f"{call.name}: {call.function.name}",
        f"-- keyed by bucket; a Python process function, uid '{call.name}'\n"
        f"-- reads {', '.join(checked.column_names)}; {_shown_arguments(call)}",
    )
    runner.guard(call.statement, query, lambda: _host(runner, checked, expansion, packs, options))
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


def _inner(runner: Runner, views: Mapping[str, str]) -> dict[str, str]:
    """Ordered views of the results of calls inside, by their unquoted names."""
    names = [view.strip("`") for view in views.values()]
    return {view: runner.ordered[view] for view in names if view in runner.ordered}


def _host(runner: Runner, checked: CheckedCall, expansion: CallExpansion, packs: Table, options: HostOptions) -> None:
    call = checked.call
    plan = HostPlan(
        name=call.name,
        function=call.function,
        arguments=dict(call.arguments),
        column_names=checked.column_names,
        key_names=call.partition_by,
        layout=expansion.layout,
        batch_ms=call.arguments["batch"],
        carries_order=expansion.carries_order,
        policy=options.policy,
        live_bytes=options.live_bytes,
    )
    elements = [*expansion.pack_elements]
    keyed = flink.key_by_bucket(runner.tables, packs, elements, f"{call.name} (packs of {call.arguments['batch']} ms)")
    out_elements = [*elements[: expansion.layout.width], *map(_element, expansion.added_types)]
    if expansion.carries_order:
        out_elements += elements[expansion.layout.width :]
    output = Types.ROW([*(flink.array_of(element) for element in out_elements), Types.LONG()])
    stream = flink.host(keyed, PackHost(plan), output, call.name, f"{call.function.name} ({call.name})")
    columns = [(f"f{i}", f"ARRAY<{element.value}>") for i, element in enumerate(out_elements)]
    flink.as_view(
        runner.tables,
        expansion.packed_view,
        stream,
        [*columns, (f"f{len(columns)}", "BIGINT")],
        PACK_TIME,
        time_from_ms=f"f{len(columns)}",
    )


def _element(sql_type: str) -> Element:
    return Element(sql_type)


def _shown_arguments(call: Call) -> str:
    unshown = {"on_time", "uid", *call.function.reads}
    own = {name: value for name, value in call.arguments.items() if name not in unshown}
    return ", ".join(f"{name} => {value}" for name, value in own.items())
