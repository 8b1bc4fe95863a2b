"""Online calibration: probabilities that happen as often as they say, whatever the size of the margins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss

from models import calibration
from models.calibration.kernels import COUNTS, SHARES, SLOPE, calibrate, learn_margin
from models.learners import learner
from tests.unit.models.learning_streams import made, recorded


def run(kind: int, margins: np.ndarray, labels: np.ndarray, rate: float = 0.01) -> np.ndarray:
    state = np.zeros(calibration.SIZE)
    calibration.prepare(state, 0)
    found = np.empty(margins.size)
    for row, (margin, label) in enumerate(zip(margins.tolist(), labels.tolist(), strict=True)):
        found[row] = calibrate(state, 0, kind, margin)
        learn_margin(state, 0, kind, margin, label, 1.0, rate)
    assert calibration.is_sound_calibration(state)
    return found


def margins_of(rows: int = 6000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins, labels that come with probability expit(3 m - 1), and these probabilities."""
    random = np.random.default_rng(seed)
    margins = random.normal(size=rows)
    truth = expit(3.0 * margins - 1.0)
    return margins, (random.random(rows) < truth).astype(float), truth


@pytest.mark.parametrize("kind", [calibration.PLATT, calibration.BINNED])
@pytest.mark.parametrize("size", [1e-3, 1e6])
def test_margins_of_any_size_become_the_probabilities_they_mean(kind: int, size: float) -> None:
    margins, labels, truth = margins_of()
    found = run(kind, size * margins, labels)
    late = slice(2000, None)
    best = log_loss(labels[late], truth[late])
    assert log_loss(labels[late], found[late]) < best + 0.02 < log_loss(labels[late], expit(size * margins)[late])
    for low in (0.0, 0.25, 0.5, 0.75):
        said = (found[late] >= low) & (found[late] < low + 0.25)
        assert labels[late][said].mean() == pytest.approx(found[late][said].mean(), abs=0.06)


def test_platt_is_gradient_descent_on_the_log_loss() -> None:
    """Against the two lines of the paper, with numbers kept apart."""
    margins, labels, _ = margins_of(300)
    found, slope, offset, square = run(calibration.PLATT, margins, labels, 0.05), 1.0, 0.0, 0.0
    for row, (margin, label) in enumerate(zip(margins.tolist(), labels.tolist(), strict=True)):
        usual = margin / math.sqrt(square) if row else margin
        probability = 1.0 / (1.0 + math.exp(-(slope * usual + offset)))
        assert found[row] == pytest.approx(probability, rel=1e-9)
        slope -= 0.05 * (probability - label) * usual
        offset -= 0.05 * (probability - label)
        square += (margin**2 - square) / (row + 1)


def test_a_bin_is_the_share_of_its_positives() -> None:
    """One margin, 30 % positives: its bin tells the share, with two rows of doubt at the bin's middle."""
    state = np.zeros(calibration.SIZE)
    calibration.prepare(state, 0)
    assert state[SLOPE] == 1.0
    labels = np.tile([1.0, 0, 0, 1, 0, 0, 1, 0, 0, 0], 4)
    for label in labels.tolist():
        learn_margin(state, 0, calibration.BINNED, 0.5, label, 1.0, 0.1)
    used = np.flatnonzero(state[COUNTS : COUNTS + 20] > 5)
    assert used.size == 1 and state[SHARES + used[0]] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("algorithm", ["alma", "passive_aggressive", "perceptron"])
@pytest.mark.parametrize("kind", ["platt", "binned"])
def test_margin_learners_say_how_sure_they_are(algorithm: str, kind: str) -> None:
    """Where a fifth of the labels is wrong nobody can be sure, and a margin alone does not know."""
    stream, losses = made(), {}
    wrong = np.random.default_rng(2).random(stream.labels.size) < 0.2
    rows = np.column_stack([stream.features, np.where(wrong, 1.0 - stream.labels, stream.labels)])
    for calibrated in ("none", kind):
        pool = learner(algorithm, columns=5, calibration=calibrated)
        slots = np.full(stream.labels.size, pool.open(), np.int32)
        found = pool.process(slots, np.arange(stream.labels.size), rows)["prediction"]
        losses[calibrated] = log_loss(rows[:, -1], np.clip(found, 1e-6, 1 - 1e-6))
    assert losses[kind] < losses["none"]


@pytest.mark.real_data
def test_alma_on_elec2() -> None:
    """0.518 without calibration; with bins better than the 0.277 of capymoa's forest of 10 trees."""
    stream = recorded("elec2")
    pool = learner("alma", columns=8, calibration="binned")
    slots = np.full(stream.labels.size, pool.open(), np.int32)
    found = pool.process(slots, np.arange(stream.labels.size), stream.rows)["prediction"]
    assert log_loss(stream.labels, np.clip(found, 1e-6, 1 - 1e-6)) < 0.27
    assert ((found >= 0.5) == stream.labels).mean() > 0.9
