"""The examples in the docstrings of the models do what they say."""

from __future__ import annotations

import doctest

from models.anomaly_detector import detector
from models.champion import challengers, gate, losses, mean_rule
from models.hotspots import stream
from models.metrics import offline
from models.random_cut_forest import forest


def test_examples_of_the_forest() -> None:
    result = doctest.testmod(forest)
    assert result.attempted > 0
    assert result.failed == 0


def test_examples_of_the_detector() -> None:
    result = doctest.testmod(detector)
    assert result.attempted > 0
    assert result.failed == 0


def test_examples_of_the_hotspots() -> None:
    result = doctest.testmod(stream)
    assert result.attempted > 0
    assert result.failed == 0


def test_examples_of_the_metrics() -> None:
    result = doctest.testmod(offline)
    assert result.attempted > 0
    assert result.failed == 0


def test_examples_of_the_gate() -> None:
    results = [doctest.testmod(module) for module in (challengers, gate, losses, mean_rule)]
    assert all(result.attempted > 0 for result in results)
    assert not any(result.failed for result in results)
