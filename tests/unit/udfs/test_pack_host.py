"""The host turns packs into rows with scores, and says what it did in metrics; Flink itself is a fake here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pyflink.common import Row

from models.errors import ModelError
from models.random_cut_forest import RandomCutForest
from tests.unit.udfs.bucket_parts import ChainPool
from tests.unit.udfs.fake_flink import FakeContext
from tests.unit.udfs.required import least
from udfs.bucket import SnapshotPolicy
from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, TableFunction
from udfs.functions.labelled import LabelledFunction
from udfs.functions.registry import FUNCTIONS
from udfs.functions.user_vector import VectorFunction
from udfs.pack import PackLayout
from udfs.pack_host import HostPlan, PackHost
from udfs.replay_log import StateMismatchError

CHAIN = TableFunction(
    name="CHAIN",
    summary="A chain of checksums.",
    description="",
    arguments=with_common(),
    added=(AddedColumn("score", "DOUBLE", ""), AddedColumn("number", "BIGINT", "")),
    make_pool=lambda columns, arguments: ChainPool(),
    present=lambda outputs, names, arguments: (outputs["score"].tolist(), outputs["count"].tolist()),
    example="",
)

#: time, key, a, b, note; behind them the hidden order
LAYOUT = PackLayout(width=5, time=0, keys=(1,), values=(2, 3), order=(5,))


def plan(
    function: TableFunction = CHAIN, *, carries_order: bool = True, live_bytes: int = 10**9, **given: Any
) -> HostPlan:
    policy = given.pop("policy", SnapshotPolicy(10**9, 10**9))
    key_names = given.pop("key_names", ("k",))
    wanted = min(max(2, function.columns_low), function.columns_high)
    columns = [place % 2 for place in range(wanted)]  # a and b by turns
    return HostPlan(
        name="scored",
        function=function,
        arguments=function.resolve({"on_time": ("ts",), **given}),
        column_names=tuple("ab"[column] for column in columns),
        key_names=key_names,
        layout=replace(LAYOUT, values=tuple(LAYOUT.values[column] for column in columns)),
        batch_ms=1_000,
        carries_order=carries_order,
        policy=policy,
        live_bytes=live_bytes,
    )


def opened(context: FakeContext, of: HostPlan) -> PackHost:
    host = PackHost(of)
    host.open(context)
    return host


def row(time_ms: int, key: Any = "k", a: Any = 1.0, b: Any = 2.0, note: Any = "n", order: int = 0) -> tuple[Any, ...]:
    return (time_ms, key, a, b, note, order)


def process(
    host: PackHost, context: FakeContext, rows: Sequence[tuple[Any, ...]], end_ms: int = 1_000, bucket: int = 0
) -> list[tuple[Any, ...]]:
    """What comes out for a pack, one tuple a row; the end of the pack is checked."""
    context.current_key = bucket
    packs = list(host.process_element(Row(*map(list, zip(*rows, strict=True)), end_ms), context))
    assert len(packs) == 1
    *columns, last_ms = packs[0]
    assert last_ms == end_ms - 1
    assert all(type(column) is list and len(column) == len(rows) for column in columns)
    return list(zip(*columns, strict=True))


def test_rows_leave_with_added_columns_in_model_order() -> None:
    context = FakeContext()
    host = opened(context, plan())
    rows = [row(300, note="c", order=3), row(100, note="a", order=2), row(100, "l", note="b", order=1)]
    out = process(host, context, rows)
    assert [each[4] for each in out] == ["b", "a", "c"]
    assert [each[:4] for each in out] == [(100, "l", 1.0, 2.0), (100, "k", 1.0, 2.0), (300, "k", 1.0, 2.0)]
    assert [each[6] for each in out] == [0, 0, 1], "how many rows of its key came before"
    assert [each[7] for each in out] == [1, 2, 3], "the hidden order column"
    # types that Flink's converters take
    assert {type(value) for each in out for value in each} == {int, str, float}


def test_hidden_order_stays_behind_where_no_other_call_needs_it() -> None:
    context = FakeContext()
    (out,) = process(opened(context, plan(carries_order=False)), context, [row(100)])
    assert out == (100, "k", 1.0, 2.0, "n", 0.0, 0)


def test_plain_values_only() -> None:
    """numpy numbers do not pass Flink's converters, nor do booleans of numpy."""
    for name, function in FUNCTIONS.items():
        if isinstance(function, LabelledFunction | VectorFunction):
            continue  # of other hosts
        context = FakeContext()
        out = process(opened(context, plan(function, **least(function))), context, [row(100), row(200, a=3)])
        assert {type(value).__module__ for each in out for value in each} == {"builtins"}, name


UNSCORABLE = [None, math.nan, math.inf, -math.inf, 1e300, -6e29]


@pytest.mark.parametrize("value", UNSCORABLE)
def test_a_row_without_numbers_is_skipped_and_teaches_nothing(value: float | None) -> None:
    context = FakeContext()
    host = opened(context, plan())
    rows = [row(100), row(200, b=value, note="odd"), row(300)]
    out = process(host, context, rows)
    assert [each[4] for each in out] == ["n", "odd", "n"]
    assert [each[5:7] for each in out][1] == (None, None)
    assert [each[6] for each in out] == [0, None, 1], "the odd row was learned"
    assert repr(out[1][3]) == repr(value), "its own values stay"
    metrics = context.metrics()
    assert (metrics["rows_scored"], metrics["rows_skipped"], metrics["packs"]) == (2, 1, 1)


def test_a_pack_of_nothing_but_nulls_comes_out_whole() -> None:
    context = FakeContext()
    out = process(opened(context, plan()), context, [row(100, a=None), row(200, b=None)])
    assert [each[5:7] for each in out] == [(None, None)] * 2
    assert context.metrics()["keys_live"] == 0 and context.metrics()["log_records"] == 0


@pytest.mark.parametrize("value", UNSCORABLE)
def test_on_null_error_names_function_column_and_key(value: float | None) -> None:
    context = FakeContext()
    host = opened(context, plan(on_null="error"))
    with pytest.raises(ModelError, match=r"CHAIN \(scored\): column b .* key 'k7'.*on_null => 'skip'"):
        process(host, context, [row(100), row(200, "k7", b=value)])


def test_on_null_impute_scores_what_has_at_least_one_number() -> None:
    context = FakeContext()
    forest = FUNCTIONS["RANDOM_CUT_FOREST"]
    host = opened(context, plan(forest, on_null="impute", trees=5, sample_size=10))
    rows = [row(i, a=float(i % 7), b=None if i % 5 == 0 else float(i % 3)) for i in range(60)]
    rows += [row(60, a=None, b=None), row(61, a=math.inf, b=None), row(62, a=math.nan, b=1.0)]
    out = process(host, context, rows)
    oracle = RandomCutForest(dimensions=2, trees=5, sample_size=10, time_decay=100_000, seed=0, missing="impute")
    good = [each for each in rows if each[0] not in (60, 61)]
    values = [[math.nan if value is None else value for value in each[2:4]] for each in good]
    expected = iter(oracle.process(values).tolist())
    assert [each[5] for each in out] == [None if each[0] in (60, 61) else next(expected) for each in out]
    assert sum(each[5] is not None and each[5] > 0 for each in out) > 40


def test_forest_scores_are_those_of_a_forest_a_key() -> None:
    context = FakeContext()
    arguments = {"trees": 5, "sample_size": 10, "seed": 3}
    host = opened(context, plan(FUNCTIONS["RANDOM_CUT_FOREST"], **arguments))
    rows = [row(i, "ab"[i % 2], a=i * 7 % 13, b=i * 5 % 11, order=i) for i in range(100)]
    got = []
    for start in range(0, 100, 10):
        # whole numbers are numbers too
        got += [(each[1], each[5]) for each in process(host, context, rows[start : start + 10], end_ms=start + 10)]
    forests = {key: RandomCutForest(dimensions=2, time_decay=100_000, **arguments) for key in "ab"}
    assert got == [(key, float(forests[key].process([[a, b]])[0])) for _, key, a, b, _, _ in rows]


def test_state_outlives_the_host_bucket_by_bucket() -> None:
    context = FakeContext()
    policy = SnapshotPolicy(records=5)
    host, counts = opened(context, plan(policy=policy)), []
    for number in range(12):
        if number % 4 == 3:  # a new worker with the same state
            host = opened(context, plan(policy=policy))
        for bucket in (0, 7):
            rows = [row(1_000 * number + i, "ab"[i % 2]) for i in range(3)]
            out = process(host, context, rows, end_ms=1_000 * (number + 1), bucket=bucket)
            counts.append((bucket, [each[6] for each in out]))
    for bucket in (0, 7):
        mine = [count for of, count in counts if of == bucket]
        # in each pack: a, b, a
        assert mine == [[2 * n, n, 2 * n + 1] for n in range(12)]
    metrics = context.metrics()
    assert metrics["replayed_records"] > 0 and metrics["snapshots"] > 0 and metrics["snapshot_bytes"] > 0


def test_metrics_say_what_there_is() -> None:
    context = FakeContext()
    host = opened(context, plan())
    assert context.metrics()["model_us_per_row_p50"] == 0, "before the first row"
    process(host, context, [row(100, key) for key in "abc"])
    process(host, context, [row(1_100, "a")], end_ms=2_000)
    metrics = context.metrics()
    expected = {"packs": 2, "rows_scored": 4, "rows_skipped": 0, "keys_live": 3, "keys_idled": 0, "log_records": 4}
    assert {name: metrics[name] for name in expected} == expected
    assert metrics["model_bytes"] == 3 * ChainPool.slot_bytes
    assert 0 <= metrics["model_us_per_row_p50"] <= metrics["model_us_per_row_p99"]


def test_memory_is_kept_within_live_bytes_where_the_state_allows() -> None:
    context = FakeContext()
    host = opened(context, plan(policy=SnapshotPolicy(records=1), live_bytes=3 * ChainPool.slot_bytes))
    for number in range(20):
        out = process(host, context, [row(1_000 * number, f"k{number % 10}")], end_ms=1_000 * (number + 1))
        assert [each[6] for each in out] == [number // 10]
        assert context.metrics()["model_bytes"] <= 4 * ChainPool.slot_bytes


def test_idle_is_measured_at_the_start_of_a_pack() -> None:
    context = FakeContext()
    host = opened(context, plan(idle=5_000))
    counts = []
    # last seen at 500; at the pack that starts at 5,000 it is not idle, at 6,000 it is
    for time_ms in (500, 5_900, 11_950, 17_000):
        ((*_, count, _),) = process(host, context, [row(time_ms)], end_ms=time_ms // 1_000 * 1_000 + 1_000)
        counts.append(count)
    assert counts == [0, 1, 0, 0]
    assert context.metrics()["keys_idled"] == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 5}, "seed 0 -> 5"),
        ({"buckets": 3}, "buckets .* -> 3"),
        ({"key_names": ("l",)}, r"partition_by \['k'\] -> \['l'\]"),
        ({"on_null": "impute"}, "imputes False -> True"),
    ],
)
def test_state_of_other_arguments_is_refused(changed: dict[str, Any], said: str) -> None:
    context = FakeContext()
    process(opened(context, plan()), context, [row(100)])
    host = opened(context, plan(**changed))
    with pytest.raises(StateMismatchError, match=said):
        process(host, context, [row(1_100)], end_ms=2_000)


@pytest.mark.parametrize("changed", [{"batch": 2_000}, {"idle": 60_000}, {"on_null": "error"}, {"uid": "other"}])
def test_arguments_that_models_do_not_depend_on_may_change(changed: dict[str, Any]) -> None:
    context = FakeContext()
    process(opened(context, plan()), context, [row(100)])
    out = process(opened(context, plan(**changed)), context, [row(1_100)], end_ms=2_000)
    assert [each[6] for each in out] == [1]


def test_other_partition_columns_are_refused_by_name() -> None:
    """Keys of another meaning may have equal texts: without this, models of devices would go on as models of hosts."""
    context = FakeContext()
    process(opened(context, replace(plan(), key_names=("device",))), context, [row(1)])
    again = opened(context, replace(plan(), key_names=("host",)))
    with pytest.raises(StateMismatchError, match="partition_by"):
        process(again, context, [row(2)])
