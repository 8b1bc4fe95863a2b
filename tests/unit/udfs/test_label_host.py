"""The host of functions with labels turns packs into predictions and outcomes; Flink itself is a fake here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from pyflink.common import Row

from models.errors import ModelError
from models.features import category_codes
from models.learners import learner
from tests.unit.udfs.fake_flink import FakeContext
from tests.unit.udfs.label_oracle import Chain, ChainLearners
from tests.unit.udfs.required import least
from udfs.bucket import SnapshotPolicy
from udfs.functions.labelled import LabelledFunction, LearnerFunction
from udfs.functions.registry import FUNCTIONS
from udfs.label_host import LabelHost, LabelPlan
from udfs.label_layout import BEAT, INPUT, LABEL, FeatureColumns, LabelLayout
from udfs.pack import PackLayout
from udfs.replay_log import StateMismatchError

CLASSIFIER = FUNCTIONS["ONLINE_CLASSIFIER"]
assert isinstance(CLASSIFIER, LearnerFunction)


class ChainFunction(LearnerFunction):
    """ONLINE_CLASSIFIER with chains of checksums as learners."""

    def make_learner(self, numbers: int, categories: int, arguments: Mapping[str, Any]) -> Any:
        return ChainLearners()


CHAIN = ChainFunction(**{each.name: getattr(CLASSIFIER, each.name) for each in fields(CLASSIFIER)})

#: time, key, id, a, device, note; then label, kind, hidden order
LATE = LabelLayout(width=6, features=FeatureColumns((3,), (("device", 4),)), label=6, id=2, kind=7)
LATE_PACK = PackLayout(width=7, time=0, keys=(1,), values=(), order=(7, 8))
#: time, key, a, label
OWN = LabelLayout(width=4, features=FeatureColumns((2,)), label=3)
OWN_PACK = PackLayout(width=4, time=0, keys=(1,), values=(), order=(4,))


def plan(function: LabelledFunction = CHAIN, *, own: bool = False, **given: Any) -> LabelPlan:
    policy = given.pop("policy", SnapshotPolicy(10**9, 10**9))
    names = given.pop("input_names", ("ts", "k", "id", "a", "device", "note"))
    return LabelPlan(
        name="predicted",
        function=function,
        arguments=function.resolve({"on_time": ("ts",), "label": ("y",), **given}),
        column_names=("a",) if own else ("a", "device"),
        key_names=("k",),
        layout=OWN_PACK if own else LATE_PACK,
        batch_ms=1_000,
        policy=policy,
        labels=OWN if own else LATE,
        input_names=("ts", "k", "a", "y") if own else names,
    )


def opened(context: FakeContext, of: LabelPlan) -> LabelHost:
    host = LabelHost(of)
    host.open(context)
    return host


def shown(
    time_ms: int, of: Any, a: Any = 1.0, *, key: Any = "k", device: Any = "tv", order: int = 0
) -> tuple[Any, ...]:
    return (time_ms, key, of, a, device, f"note {of}", None, INPUT, order)


def label(time_ms: int, of: Any, value: Any = 1.0, *, key: Any = "k", order: int = 0) -> tuple[Any, ...]:
    return (time_ms, key, of, None, None, None, value, LABEL, order)


def beat(time_ms: int) -> tuple[Any, ...]:
    return (time_ms, None, None, None, None, None, None, BEAT, 0)


def process(
    host: LabelHost, context: FakeContext, rows: Sequence[tuple[Any, ...]], end_ms: int = 1_000, bucket: int = 0
) -> list[tuple[Any, ...]]:
    context.current_key = bucket
    packs = list(host.process_element(Row(*map(list, zip(*rows, strict=True)), end_ms), context))
    if not packs:
        return []
    (row,) = packs
    *columns, last_ms = row
    assert last_ms == end_ms - 1
    assert all(type(column) is list and len(column) == len(columns[0]) for column in columns)
    out = list(zip(*columns, strict=True))
    times = [each[0] for each in out]
    assert times == sorted(times) and all(end_ms - 1_000 <= time < end_ms for time in times), "late behind the call"
    return out


def test_an_outcome_has_the_columns_of_its_input_and_the_prediction_made_then() -> None:
    context = FakeContext()
    host = opened(context, plan())
    rows = [label(300, "i1", order=9), shown(100, "i1", order=5), shown(300, "i2", a=2.0, order=6)]
    out = process(host, context, rows)
    model = Chain()
    tv = float(category_codes("device", ["tv"])[0])
    first, second = model.predict((1.0, tv)), model.predict((2.0, tv))
    model.learn(300, (1.0, tv), 1.0)

    def of(number: float) -> float:
        return float(number >= 0.5)

    assert out == [
        (100, "k", "i1", 1.0, "tv", "note i1", "prediction", first, of(first), None, None, 0, 5),
        # of equal time, the input comes before the label
        (300, "k", "i2", 2.0, "tv", "note i2", "prediction", second, of(second), None, None, 0, 6),
        (300, "k", "i1", 1.0, "tv", "note i1", "outcome", first, of(first), 1.0, 200, 0, 9),
    ]
    out = process(host, context, [label(1_200, "i2", 0), shown(1_500, "i3")], end_ms=2_000)
    model.learn(1_200, (2.0, tv), 0.0)
    assert [each[6:8] + each[9:12] for each in out] == [
        ("outcome", second, 0.0, 900, 0),
        ("prediction", model.predict((1.0, tv)), None, None, 2),
    ]


def test_what_times_out_does_so_at_the_start_of_a_pack_that_may_be_a_beat() -> None:
    context = FakeContext()
    host = opened(context, plan(label_timeout=1_500, negative_after_timeout=True))
    process(host, context, [shown(100, "i1"), shown(700, "i2"), beat(999)])
    assert process(host, context, [beat(1_999)], end_ms=2_000) == []
    out = process(host, context, [beat(2_999), label(2_100, "i2")], end_ms=3_000)
    assert [each[:3] + each[6:7] + each[9:11] for each in out] == [
        (2_000, "k", "i1", "outcome", 0.0, None),
        (2_100, "k", "i2", "outcome", 1.0, 1_400),
    ]
    metrics = context.metrics()
    counted = ("predictions", "labels_joined", "labels_timed_out", "pending", "rows_scored")
    assert [metrics[name] for name in counted] == [2, 1, 1, 0, 2]


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 1e300])
def test_an_input_without_a_number_is_passed_on_in_its_place(value: float | None) -> None:
    context = FakeContext()
    host = opened(context, plan())
    rows = [shown(100, "i1"), shown(200, "i2", a=value), label(250, "i1"), shown(300, "i3", device=None), beat(999)]
    out = process(host, context, rows)
    assert [(each[2], each[6]) for each in out] == [
        ("i1", "prediction"), ("i2", "prediction"), ("i1", "outcome"), ("i3", "prediction"),
    ]  # fmt: skip
    for place, number in ((1, repr(value)), (3, "1.0")):
        assert repr(out[place][3]) == number and out[place][7:12] == (None,) * 5
    assert context.metrics()["rows_skipped"] == 2 and context.metrics()["predictions"] == 1


def test_on_null_error_names_function_column_and_key() -> None:
    context = FakeContext()
    host = opened(context, plan(on_null="error"))
    with pytest.raises(ModelError, match=r"ONLINE_CLASSIFIER \(predicted\): column device is NULL .* key 'k7'"):
        process(host, context, [label(50, "i0"), shown(100, "i1"), shown(200, "i2", key="k7", device=None)])


def test_on_null_impute_leaves_what_is_missing_to_the_learner() -> None:
    context = FakeContext()
    host = opened(context, plan(CLASSIFIER, on_null="impute"))
    rows = [shown(100, "i1", a=None), shown(200, "i2", device=None), shown(300, "i3", a=None, device=None)]
    out = process(host, context, rows)
    assert [each[7] for each in out] == [0.5, 0.5, None]


def test_the_label_of_the_same_row_is_learned_after_the_prediction() -> None:
    context = FakeContext()
    host = opened(context, plan(CLASSIFIER, own=True, learning_rate=0.5))
    rows = [(100 * i, "ab"[i % 2], float(i % 5), [True, 0, None, 1.0, 2][i % 5], i) for i in range(40)]
    out = []
    for start in range(0, 40, 10):
        out += process(host, context, rows[start : start + 10], end_ms=100 * (start + 10))
        if start == 10:  # a new worker
            host = opened(context, plan(CLASSIFIER, own=True, learning_rate=0.5))
    pools = {key: learner("logistic", columns=1, learning_rate=0.5) for key in "ab"}
    slots, learned = {key: np.array([pool.open()], np.int32) for key, pool in pools.items()}, dict.fromkeys("ab", 0)
    expected: list[tuple[Any, ...]] = []
    for time_ms, key, a, y, order in rows:
        features = np.array([[a]])
        says = float(pools[key].predict(slots[key], np.array([time_ms]), features)[0])
        good = y is not None and y in (0, 1)
        row = (time_ms, key, a, y)
        expected.append((*row, "prediction", says, float(says >= 0.5), None, None, learned[key], order))
        known = (float(y), 0) if good and y is not None else (None, None)
        expected.append((*row, "outcome", says, float(says >= 0.5), *known, learned[key], order))
        if known[0] is not None:
            pools[key].learn(slots[key], np.array([time_ms]), features, np.array([known[0]]))
            learned[key] += 1
    assert out == expected
    assert context.metrics()["labels_unusable"] == 8, "what was replayed is counted again"


def test_plain_values_only() -> None:
    """numpy numbers do not pass Flink's converters, nor do booleans of numpy."""
    for name, function in FUNCTIONS.items():
        if not isinstance(function, LearnerFunction):
            continue
        for algorithm in function.algorithms():
            told = {"estimator": "SGDRegressor"} if (name, algorithm) == ("ONLINE_REGRESSOR", "sklearn") else {}
            context, of = FakeContext(), plan(function, algorithm=algorithm, **told, **least(function))
            if not function.algorithms()[algorithm].takes_categories:
                of = replace(of, labels=replace(LATE, features=FeatureColumns((3,))), column_names=("a",))
            host = opened(context, of)
            rows = [shown(100, "i1"), shown(150, 7, a=3), label(200, "i1"), label(300, 7, 0)]
            out = process(host, context, rows)
            assert len(out) == 4, (name, algorithm)
            assert {type(value).__module__ for each in out for value in each} == {"builtins"}, (name, algorithm)


def test_champion_and_challengers_tell_their_decisions_in_plain_values() -> None:
    """A challenger that takes over, with a new worker in between; what is told of it are texts and numbers."""
    function = FUNCTIONS["CHAMPION_CHALLENGER"]
    assert isinstance(function, LabelledFunction)
    candidates = '[{"algorithm": "logistic", "learning_rate": 1e-6}, {"algorithm": "logistic", "learning_rate": 1.0}]'
    given = {"candidates": candidates, "minimum_rows": 20, "label_timeout": 500, "negative_after_timeout": True}
    context, out = FakeContext(), []
    for number in range(12):
        if number % 3 == 0:
            host = opened(context, plan(function, **given))
        start, rows = 1_000 * number, []
        for i in range(20):
            of, a = 20 * number + i, float((i * 7 + number) % 5 - 2)
            rows.append(shown(start + 10 * i, of, a=a))
            if a > 0:
                rows.append(label(start + 10 * i + 300, of))
        out += process(host, context, [*rows, beat(start + 999)], end_ms=start + 1_000)
    names = ("kind", "probability", "predicted", "label", "lag", "version", "champion", "probabilities", "decision",
             "evidence")  # fmt: skip
    told = [dict(zip(names, each[6:], strict=False)) for each in out]
    (decision,) = [each for each in told if each["kind"] == "decision"]
    assert decision["decision"] == "promote" and decision["champion"] == 1 and decision["probability"] is None
    evidence = json.loads(decision["evidence"])
    assert evidence["before"] == 0 and evidence["e_value"] >= evidence["needed"] and evidence["gain_at_least"] > 0
    at = told.index(decision)
    assert told[at - 1]["kind"] == "outcome"
    for place, each in enumerate(told):
        if each["kind"] == "prediction":
            assert each["champion"] == int(place > at)
        if each["kind"] != "decision":
            assert json.loads(each["probabilities"])[each["champion"]] == each["probability"]
    assert {type(value).__module__ for each in out for value in each} == {"builtins"}


def test_state_outlives_the_host_bucket_by_bucket() -> None:
    context = FakeContext()
    host, got = opened(context, plan(policy=SnapshotPolicy(records=5))), []
    for number in range(12):
        if number % 4 == 3:  # a new worker with the same state
            host = opened(context, plan(policy=SnapshotPolicy(records=5)))
            assert all(gauge() == 0 for name, gauge in context.gauges.items() if name == "pending")
        for bucket in (0, 7):
            start = 1_000 * number
            rows = [shown(start + 1, f"{bucket}/{number}"), label(start + 2, f"{bucket}/{number - 5}")]
            out = process(host, context, rows, end_ms=start + 1_000, bucket=bucket)
            got.append((bucket, [(each[2], each[6], each[11]) for each in out]))
    for bucket in (0, 7):
        mine = [out for of, out in got if of == bucket]
        for number, out in enumerate(mine):
            # by then the model has learned one row a pack since pack 5
            expected = [(f"{bucket}/{number}", "prediction", max(0, number - 5))]
            if number >= 5:
                expected.append((f"{bucket}/{number - 5}", "outcome", max(0, number - 10)))
            assert out == expected
    metrics = context.metrics()
    assert metrics["pending"] == 10 and metrics["replayed_records"] > 0 and metrics["snapshots"] > 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"label_timeout": 5_000}, "label_timeout 9000 -> 5000"),
        ({"negative_after_timeout": True}, "negative_after_timeout False -> True"),
        ({"max_pending": 7}, "max_pending 100000 -> 7"),
        ({"algorithm": "alma"}, "algorithm 'logistic' -> 'alma'"),
        ({"learning_rate": 0.5}, "learning_rate 0.01 -> 0.5"),
        ({"input_names": ("ts", "k", "id", "a", "device", "other")}, "input_columns"),
    ],
)
def test_state_of_other_arguments_is_refused(changed: dict[str, Any], said: str) -> None:
    context = FakeContext()
    process(opened(context, plan(label_timeout=9_000)), context, [shown(100, "i")])
    host = opened(context, plan(**{"label_timeout": 9_000, **changed}))
    with pytest.raises(StateMismatchError, match=said):
        process(host, context, [shown(1_100, "j")], end_ms=2_000)


def test_names_and_pace_may_change() -> None:
    context = FakeContext()
    process(opened(context, plan()), context, [shown(100, "i")])
    again = opened(context, plan(batch=2_000, on_null="error", uid="other", label=("z",), id=("i", "j")))
    assert [each[6] for each in process(again, context, [label(1_100, "i")], end_ms=2_000)] == ["outcome"]


def test_memory_is_kept_within_live_bytes_where_the_state_allows() -> None:
    context = FakeContext()
    small = replace(plan(policy=SnapshotPolicy(1, 1)), live_bytes=3 * ChainLearners.slot_bytes)
    host = opened(context, small)
    for number in range(20):
        rows = [shown(1_000 * number + 1, number, key=f"k{number % 10}")]
        rows.append(label(1_000 * number + 2, number - 10, key=f"k{number % 10}"))
        out = process(host, context, rows, end_ms=1_000 * (number + 1))
        assert [each[11] for each in out] == [0, 0][: 1 + (number >= 10)], "an input that left memory was lost"
        assert context.metrics()["model_bytes"] <= 4 * ChainLearners.slot_bytes
