"""HOTSPOTS: its arguments, the pools it makes, and how results become a column."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from models.hotspots import Hotspot, Hotspots, HotspotsPool
from models.hotspots import pool as model
from udfs.functions import hotspots
from udfs.functions.declaration import REQUIRED, ArgumentError
from udfs.functions.registry import FUNCTIONS

FUNCTION = FUNCTIONS["HOTSPOTS"]
OWN: dict[str, Any] = {"window_size": 100, "scan_radius": 0.5, "minimum_points": 5}


def arguments(**given: Any) -> dict[str, Any]:
    return FUNCTION.resolve({"on_time": ("ts",), **OWN, **given})


def test_three_arguments_without_defaults_and_one_column() -> None:
    own = [argument for argument in FUNCTION.arguments if not argument.common]
    assert [argument.name for argument in own] == ["window_size", "scan_radius", "minimum_points"]
    assert all(argument.default is REQUIRED and not argument.reading for argument in own)
    assert [(column.name, column.sql_type) for column in FUNCTION.added] == [("hotspots_result", "STRING")]


@pytest.mark.parametrize("name", OWN)
def test_each_has_to_be_given(name: str) -> None:
    rest = {other: value for other, value in OWN.items() if other != name}
    with pytest.raises(ArgumentError, match=f"{name} is missing"):
        FUNCTION.resolve({"on_time": ("ts",), **rest})


def test_ranges_are_those_of_the_model() -> None:
    window, radius, points = hotspots.WINDOW_SIZE, hotspots.SCAN_RADIUS, hotspots.MINIMUM_POINTS
    assert (window.low, window.high) == (model.LEAST_WINDOW, model.LARGEST_WINDOW)
    assert (radius.low, hotspots.LARGEST_RADIUS) == (model.LEAST_RADIUS, model.LARGEST_RADIUS)
    assert (points.low, FUNCTION.columns_high) == (2, model.MOST_COLUMNS)
    for edge in ({"window_size": 10}, {"window_size": 4096}, {"scan_radius": 1e-100}, {"scan_radius": 1e100}):
        FUNCTION.make_pool(1, arguments(**edge))


@pytest.mark.parametrize(
    ("given", "says", "whose"),
    [
        ({"window_size": 9}, "window_size must be in 10..4096, got 9", ("window_size",)),
        ({"window_size": 100.0}, "window_size must be a whole number, got 100", ("window_size",)),
        ({"scan_radius": 0}, "scan_radius must be >= 1e-100, got 0", ("scan_radius",)),
        ({"scan_radius": 2e100}, "scan_radius must be at most 1e+100, got 2e+100", ("scan_radius",)),
        ({"minimum_points": 1}, "minimum_points must be >= 2, got 1", ("minimum_points",)),
        (
            {"minimum_points": 101}, "minimum_points must be at most window_size (100), got 101",
            ("minimum_points", "window_size"),
        ),
        ({"on_null": "impute"}, "on_null must be one of 'skip', 'error' here, got 'impute'", ("on_null",)),
    ],
)  # fmt: skip
def test_what_is_refused(given: dict[str, Any], says: str, whose: tuple[str, ...]) -> None:
    with pytest.raises(ArgumentError) as caught:
        arguments(**given)
    assert str(caught.value).startswith(says)
    assert caught.value.arguments == whose


def test_all_points_of_the_window_are_allowed() -> None:
    assert arguments(minimum_points=100)["minimum_points"] == 100


def test_the_pool_has_the_arguments() -> None:
    pool = FUNCTION.make_pool(3, arguments(scan_radius=2))
    assert isinstance(pool, HotspotsPool)
    assert (pool.columns, pool.window_size, pool.scan_radius, pool.minimum_points) == (3, 100, 2.0, 5)


def presented(*rows: tuple[Hotspot, ...]) -> list[Any]:
    values = np.empty(len(rows), object)
    values[:] = rows
    (texts,) = FUNCTION.present({"count": np.array([len(row) for row in rows]), "hotspots": values}, ["x", "y"], OWN)
    return list(texts)


def test_the_text_is_that_of_the_reference() -> None:
    one, other = Hotspot(40.5, 20, (4.0, 7.125), (5.0, 8.0)), Hotspot(0.25, 5, (-1.0, 1e-7), (0.0, 1e30))
    assert presented((), (one,), (one, other)) == [
        '{"hotspots":[]}',
        '{"hotspots":[{"density":40.5,"minValues":[4.0,7.125],"maxValues":[5.0,8.0]}]}',
        '{"hotspots":[{"density":40.5,"minValues":[4.0,7.125],"maxValues":[5.0,8.0]},'
        '{"density":0.25,"minValues":[-1.0,1e-07],"maxValues":[0.0,1e+30]}]}',
    ]


def test_no_rows() -> None:
    assert presented() == []


def test_what_the_model_gives_is_presented() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.uniform(0, 10, (80, 2)), random.uniform([4, 7], [5, 8], (20, 2))])
    values[-1] = values[-2]
    result = Hotspots(2, 100, 0.5, 8).process(values)
    (texts,) = FUNCTION.present(result, ["x", "y"], arguments())
    assert [len(json.loads(text)["hotspots"]) for text in texts] == result["count"].tolist()
    assert texts[0] == '{"hotspots":[]}'
    (found,) = json.loads(texts[-1])["hotspots"]
    inside = values[((values >= found["minValues"]) & (values <= found["maxValues"])).all(axis=1)]
    assert len(inside) >= 20 and found["minValues"] == inside.min(axis=0).tolist()
    volume = np.prod(np.subtract(found["maxValues"], found["minValues"]))
    assert result["hotspots"][-1][0].records == round(found["density"] * volume)
