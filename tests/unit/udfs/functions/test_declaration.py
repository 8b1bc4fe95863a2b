"""Declarations: their values are checked, and what they promise holds for each of them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.unit.udfs.required import least
from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import (
    Argument,
    ArgumentError,
    ArgumentType,
    TableFunction,
    base_type,
    interval_text,
    numeric_refusal,
)
from udfs.functions.labelled import LabelledFunction
from udfs.functions.registry import FUNCTIONS
from udfs.functions.user_vector import VectorFunction

BIG = Argument(name="n", type=ArgumentType.BIGINT, help="h", default=5, low=1, high=9)
REAL = Argument(name="x", type=ArgumentType.DOUBLE, help="h", default=0.5, low=0.0)
FLAG = Argument(name="f", type=ArgumentType.BOOLEAN, help="h", default=True)
TEXT = Argument(name="s", type=ArgumentType.STRING, help="h", default="a", choices=("a", "b"))
TIME = Argument(name="t", type=ArgumentType.INTERVAL, help="h", default=None, low=10, high=60_000, nullable=True)


@pytest.mark.parametrize(
    ("argument", "value", "checked"),
    [(BIG, 1, 1), (BIG, 9, 9), (REAL, 3, 3.0), (REAL, 0.25, 0.25), (FLAG, False, False), (TEXT, "b", "b"),
     (TIME, 10, 10), (TIME, None, None)],
)  # fmt: skip
def test_good_value(argument: Argument, value: object, checked: object) -> None:
    result = argument.checked(value)
    assert result == checked and type(result) is type(checked)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        (BIG, 0, "n must be in 1..9, got 0"),
        (BIG, 10, "n must be in 1..9, got 10"),
        (BIG, 2.5, "n must be a whole number, got 2.5"),
        (BIG, True, "n must be a whole number, got TRUE"),
        (BIG, "5", "n must be a whole number, got '5'"),
        (BIG, None, "n must not be NULL; leave it out for its default"),
        (REAL, -0.5, "x must be >= 0, got -0.5"),
        (REAL, float("nan"), "x must be >= 0, got nan"),
        (REAL, float("inf"), "x must be >= 0, got inf"),
        (REAL, False, "x must be a number, got FALSE"),
        (FLAG, 1, "f must be TRUE or FALSE, got 1"),
        (TEXT, "c", "s must be one of 'a', 'b', got 'c'"),
        (TEXT, "it's", "s must be one of 'a', 'b', got 'it''s'"),
        (TIME, 9, "t must be in INTERVAL '0.01' SECOND..INTERVAL '1' MINUTE, got INTERVAL '0.009' SECOND"),
    ],
)
def test_bad_value(argument: Argument, value: object, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        argument.checked(value)
    assert str(caught.value) == message
    assert caught.value.arguments == (argument.name,)


def test_intervals_in_words() -> None:
    shown = [interval_text(ms) for ms in (1, 200, 1_000, 90_000, 120_000, 7_200_000, 172_800_000, 0, None)]
    assert shown == [
        "INTERVAL '0.001' SECOND", "INTERVAL '0.2' SECOND", "INTERVAL '1' SECOND", "INTERVAL '90' SECOND",
        "INTERVAL '2' MINUTE", "INTERVAL '2' HOUR", "INTERVAL '2' DAY", "INTERVAL '0' SECOND", "NULL",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql_type", "base"),
    [
        ("int", "INT"),
        ("INTEGER NOT NULL", "INT"),
        ("DECIMAL(10, 2) NOT NULL", "DECIMAL"),
        ("NUMERIC(4)", "DECIMAL"),
        ("double  precision", "DOUBLE"),
        ("TIMESTAMP_LTZ(3) *ROWTIME*", "TIMESTAMP_LTZ"),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP"),
        ("ROW<a INT>", "ROW"),
        ("VARCHAR(2147483647)", "VARCHAR"),
        ("DOUBLE NULL", "DOUBLE"),
    ],
)
def test_bare_type(sql_type: str, base: str) -> None:
    assert base_type(sql_type) == base


def test_number_types() -> None:
    for sql_type in ("TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE NOT NULL"):
        assert numeric_refusal(sql_type) is None
    for sql_type in ("STRING", "BOOLEAN", "DECIMAL(3)", "TIMESTAMP(3)", "ARRAY<DOUBLE>", "INT ARRAY"):
        assert numeric_refusal(sql_type) is not None


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
class TestEveryFunction:
    """What the rest of the project counts on, whatever the function."""

    def test_names(self, function: TableFunction) -> None:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", function.name)
        names = [argument.name for argument in function.arguments]
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
        assert len(set(names)) == len(names)
        assert FUNCTIONS[function.name] is function

    def test_common_arguments_come_in_their_places(self, function: TableFunction) -> None:
        common = with_common()
        assert function.arguments[-len(common[3:]) :] == common[3:]
        names = tuple(argument.name for argument in function.arguments)
        if isinstance(function, LabelledFunction):
            assert names[:6] == ("input", "labels", "on_time", "id", "features", "label")
        elif isinstance(function, VectorFunction):
            assert names[:4] == ("input", "vectors", "on_time", "item")
        else:
            assert function.arguments[:2] == common[:2]
            assert names[2 : 2 + len(function.reads)] == function.reads

    def test_what_names_its_columns(self, function: TableFunction) -> None:
        """``columns``, or arguments that name one column each."""
        if function.reads == ("columns",):
            assert function.arguments[2] == with_common()[2]
            return
        if isinstance(function, LabelledFunction):
            assert function.reads == ("features",)
            return
        if isinstance(function, VectorFunction):
            assert function.reads == ("item",)
            return
        named = [argument for argument in function.arguments if argument.name in function.reads]
        assert all(argument.type is ArgumentType.DESCRIPTOR for argument in named)
        several = [argument.name for argument in named if not argument.single]
        if several:  # the last of them may name more than one
            assert several == [function.reads[-1]]
            assert function.columns_low == len(function.reads) < function.columns_high
        else:
            assert function.columns_low == function.columns_high == len(function.reads)

    def test_defaults_are_allowed_values(self, function: TableFunction) -> None:
        resolved = function.resolve(least(function))
        for argument in function.arguments:
            if argument.type is ArgumentType.TABLE:
                assert argument.name not in resolved
            elif argument.default is not None and not argument.required:
                assert argument.checked(argument.default) == resolved[argument.name]

    def test_edges_of_every_range(self, function: TableFunction) -> None:
        for argument in function.arguments:
            for edge, step in ((argument.low, -1), (argument.high, 1)):
                if edge is not None:
                    value = int(edge) if argument.type is not ArgumentType.DOUBLE else float(edge)
                    assert argument.checked(value) == value
                    with pytest.raises(ArgumentError, match=argument.name):
                        argument.checked(value + step)

    def test_help_fits_a_line(self, function: TableFunction) -> None:
        lines = [function.summary, *(a.help for a in function.arguments), *(c.help for c in function.added)]
        for line in lines:
            assert line.endswith(".") and "\n" not in line and len(line) <= 110

    def test_unknown_and_missing_arguments_are_refused(self, function: TableFunction) -> None:
        with pytest.raises(ArgumentError, match="on_time is missing"):
            function.resolve({})
        with pytest.raises(ArgumentError, match="there is no argument nope"):
            function.resolve({**least(function), "nope": 1})

    def test_rules_over_common_arguments(self, function: TableFunction) -> None:
        with pytest.raises(ArgumentError, match="idle must be at least batch") as caught:
            function.resolve({**least(function), "batch": 10_000, "idle": 9_999})
        assert caught.value.arguments == ("idle", "batch")
        assert function.resolve({**least(function), "batch": 10_000, "idle": 10_000})["idle"] == 10_000
        for uid in ("", "1a", "a b", "a.b", "é"):
            with pytest.raises(ArgumentError, match="uid must begin"):
                function.resolve({**least(function), "uid": uid})
        assert function.resolve({**least(function), "uid": "_a-1"})["uid"] == "_a-1"


def test_reading_declarations_loads_no_compiler_and_no_flink() -> None:
    """The client reads declarations for every command; a model is imported when a pool is made."""
    code = (
        "import sys; import udfs.functions; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'numba', 'llvmlite', 'pyflink', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
