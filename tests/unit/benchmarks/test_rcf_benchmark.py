"""The forest's benchmark: its points, its turns, its tables; and the page shows what was measured."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.rcf import __main__ as speed_and_size
from benchmarks.rcf import accuracy
from benchmarks.rcf.contenders import Spent
from benchmarks.rcf.points import mixed_keys, normal_points, write_keys, write_points
from benchmarks.rcf.rows import Row, number, table
from benchmarks.rcf.speed import take_turns
from benchmarks.rcf.streams import Stream, correlated_columns, nab, two_levels
from benchmarks.results import FOLDER, PAGE, shown

FASTER = Row("faster", "points/s", [30.0, 80.0, 70.0], 3, 5, "Java", [10.0, 20.0, 10.0], [3.0, 4.0, 7.0])
SMALLER = Row("smaller", "KiB", [300.0], 400, 200, less_is_better=True)


def test_a_round_is_held_against_the_same_round_and_the_median_decides() -> None:
    assert FASTER.results == [3.0, 4.0, 7.0]
    assert FASTER.reaches(4.0) and not FASTER.reaches(4.01)
    assert SMALLER.results == [300.0]
    assert SMALLER.reaches(300) and not SMALLER.reaches(299)


def test_the_table_says_figures_bars_and_what_is_reached() -> None:
    missed = Row("missed", "s", [5.0, 4.0, 6.0], 3, 1, less_is_better=True)
    reached = Row("reached", "points/s", [1200.0], 2, 4, "one thread", [300.0])
    head, rule, *lines = table([FASTER, SMALLER, missed, reached]).splitlines()
    assert " ".join(head.split()) == "unit peer ours min / median / max by CPU at least aim"
    assert set(rule) == {"-"} and len(rule) == max(map(len, (head, *lines)))
    assert [" ".join(line.split()) for line in lines] == [
        "faster points/s Java 10 70 3 / 4 / 7 x 4 x 3 x 5 x holds",
        "smaller KiB - 300 300 / 300 / 300 - <= 400 <= 200 holds",
        "missed s - 5 4 / 5 / 6 - <= 3 <= 1 MISSED",
        "reached points/s one thread 300 1,200 4 / 4 / 4 x - 2 x 4 x aim reached",
    ]


def test_a_report_makes_the_same_row_again() -> None:
    report = json.loads(json.dumps(FASTER.report()))
    assert (report["results"], report["holds"], report["reaches_aim"]) == ([3.0, 4.0, 7.0], True, False)
    assert Row.of(report) == FASTER


@pytest.mark.parametrize(
    ("value", "text"), [(123456.7, "123,457"), (99.94, "99.9"), (1.0, "1"), (0.5, "0.50"), (0.0, "0"), (-250.2, "-250")]
)
def test_numbers_have_three_digits_or_so(value: float, text: str) -> None:
    assert number(value) == text


class Counted:
    """A contender that takes a given time for a point and notes what it was asked for."""

    def __init__(self, seconds: float, log: list[tuple[str, int, int]], name: str) -> None:
        self.seconds, self.log, self.name = seconds, log, name

    def run(self, first: int, end: int) -> Spent:
        self.log.append((self.name, first, end))
        return Spent((end - first) * self.seconds, (end - first) * self.seconds / 2)


def test_contenders_take_the_same_points_in_turns() -> None:
    log: list[tuple[str, int, int]] = []
    contenders = {name: Counted(seconds, log, name) for name, seconds in (("a", 0.1), ("b", 0.01))}
    rates = take_turns(contenders, 3, 50, 10, lambda line: None)
    assert log[:2] == [("a", 0, 50), ("b", 0, 50)]
    assert [name for name, *_ in log[2:]] == ["a", "b", "b", "a", "a", "b"]
    for name in contenders:
        assert [(first, end) for other, first, end in log[2:] if other == name] == [(50, 60), (60, 70), (70, 80)]
    assert rates["a"].wall == pytest.approx([10.0] * 3) and rates["a"].cpu == pytest.approx([20.0] * 3)
    assert rates["b"].wall == pytest.approx([100.0] * 3)


def test_points_are_normal_repeatable_and_read_as_written(tmp_path: Path) -> None:
    points = normal_points(20_000, 3, seed=7)
    assert points.dtype == np.float32 and np.array_equal(points, normal_points(20_000, 3, seed=7))
    assert not np.array_equal(points, normal_points(20_000, 3, seed=8))
    assert np.abs(points.mean(axis=0)).max() < 0.03 and np.abs(points.std(axis=0) - 1).max() < 0.03
    write_points(tmp_path / "points", points[:5])
    read = struct.unpack("<2i15f", (tmp_path / "points").read_bytes())
    assert read[:2] == (3, 5) and list(read[2:]) == points[:5].ravel().tolist()


def test_every_key_has_its_rows_in_every_call_mixed(tmp_path: Path) -> None:
    keys = mixed_keys(calls=3, keys=8, rows_a_key=4, seed=1).reshape(3, 32)
    for call in keys:
        assert sorted(call) == sorted(list(range(8)) * 4) and list(call) != sorted(call)
    assert list(keys[0]) != list(keys[1])
    write_keys(tmp_path / "keys", keys[0])
    assert list(struct.unpack("<32i", (tmp_path / "keys").read_bytes())) == list(keys[0])


@pytest.mark.parametrize("made", [two_levels, correlated_columns])
def test_made_streams_have_the_anomalies_their_labels_say(made: Callable[[int, int], Stream]) -> None:
    stream = made(20_000, 1)
    assert 0.015 < stream.labels.mean() < 0.025
    assert np.array_equal(stream.points, made(20_000, 1).points)
    # how far a point lies from what explains the others: the nearer level, or the plane of the two causes
    if stream.points.shape[1] == 1:
        far = np.abs(np.abs(stream.points[:, 0]) - 3)
    else:
        plane = np.linalg.svd(stream.points[~stream.labels][:5000], full_matrices=False)[2][:2]
        far = np.linalg.norm(stream.points - stream.points @ plane.T @ plane, axis=1)
    assert np.median(far[stream.labels]) > 1.5 * np.median(far[~stream.labels])
    assert stream.head(100).points.shape[0] == stream.head(100).labels.size == 100


def test_points_in_windows_are_anomalies(tmp_path: Path) -> None:
    (tmp_path / "data" / "kind").mkdir(parents=True)
    lines = "".join(f"2014-04-01 00:0{minute}:00,{10 + minute}\n" for minute in range(6))
    for name in ("one", "none"):
        (tmp_path / "data" / "kind" / f"{name}.csv").write_text("timestamp,value\n" + lines)
    windows = {"kind/one.csv": [["2014-04-01 00:01:00.000000", "2014-04-01 00:02:00.000000"]], "kind/none.csv": []}
    (tmp_path / "combined_windows.json").write_text(json.dumps(windows))
    (stream,) = nab(tmp_path)
    assert stream.labels.tolist() == [False, True, True, False, False, False]
    assert stream.points[:, 0].tolist() == [0, 1, 2, 3, 4, 5] and stream.name == "one"


def test_means_that_are_far_apart_differ_and_equal_ones_do_not() -> None:
    near = accuracy.difference([0.90, 0.91, 0.92], [0.91, 0.90, 0.93], 0.05)
    assert near["within_noise"] and near["interval"][0] < near["difference"] < near["interval"][1]
    far = accuracy.difference([0.90, 0.91, 0.92], [0.80, 0.81, 0.82], 0.05)
    # by hand: 0.1 -+ 2.776 (t, 4 degrees of freedom) * sqrt(2 * 0.0001 / 3)
    assert not far["within_noise"] and far["interval"] == pytest.approx([0.0773, 0.1227], abs=1e-4)


@pytest.mark.parametrize(("name", "text"), [("rcf", speed_and_size.text), ("rcf_accuracy", accuracy.text)])
def test_the_page_shows_the_figures_that_were_measured(name: str, text: Callable[[dict[str, Any]], str]) -> None:
    report = json.loads((FOLDER / f"{name}.json").read_text())
    assert shown(PAGE.read_text(), name) == text(report) + "\n"
