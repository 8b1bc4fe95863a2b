"""A year of flights with the time each label was known: what late labels cost, and who can bear them."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.learning.streams import flights
from jobs.evaluation import Options, evaluate_rows
from jobs.evaluation.table import Table

pytestmark = pytest.mark.real_data  # from a package: it needs no folder


@pytest.fixture(scope="module")
def landings() -> Table:
    return flights("at the landing")


def report(table: Table, algorithm: str, **parameters: Any) -> dict[str, Any]:
    return evaluate_rows(table, Options(algorithm, {"encoding": "one_hot", **parameters}))


def test_the_stream_is_that_of_the_design(landings: Table) -> None:
    assert landings.labels.size == 327_346
    assert landings.event_times is not None and landings.label_times is not None
    assert (landings.event_times[1:] >= landings.event_times[:-1]).all()
    assert landings.labels.mean() == pytest.approx(0.2371, abs=1e-4)
    assert [len(set(cells)) for cells in landings.cells] == [16, 3, 104, 19, 7, 12]


@pytest.mark.parametrize(
    ("rate", "figures"),
    [
        (0.05, {"accuracy": 0.7838, "f1": 0.4448, "roc_auc": 0.7426, "log_loss": 0.4863}),
        (0.005, {"accuracy": 0.7883, "f1": 0.3729, "roc_auc": 0.7296, "log_loss": 0.4840}),
    ],
)
def test_fixed_rates_have_the_known_figures(landings: Table, rate: float, figures: dict[str, float]) -> None:
    """River's, measured with a label of the very time of a prediction learned before it; here it is behind."""
    found = report(landings, "logistic", learning_rate=rate)
    assert {name: found[name] for name in figures} == pytest.approx(figures, abs=5e-4)
    assert 239 <= found["pending_max"] <= 240
    assert found["baselines"]["prior"]["accuracy"] == pytest.approx(0.763, abs=5e-4)


def test_the_mixture_is_better_than_the_better_of_two_rates(landings: Table) -> None:
    found = report(landings, "logistic_mixture")
    assert found["accuracy"] > 0.7883 and found["roc_auc"] > 0.7426 and found["log_loss"] < 0.4840
