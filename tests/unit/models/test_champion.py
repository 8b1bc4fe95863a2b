"""The gate: its bets against a slow reference, its rules one by one, and its snapshots."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from models.champion import ChampionGate, ChampionGatePool, Decision, acceptance, bounded_loss
from models.champion.kernels import SHARES
from models.errors import InputError, ParameterError, SnapshotError


def e_value(differences: Any) -> float:
    """The definition: the mean capital of all shares."""
    return float(np.prod(1 + SHARES[:, None] * np.asarray(differences)[None, :], axis=1).mean())


def errors(rows: int, *rates: float, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((rows, len(rates))) < rates).astype(np.float64)


def until_decided(gate: ChampionGate, losses: np.ndarray) -> Decision:
    """The first decision; the gate has seen no row behind it."""
    for row in losses:
        decisions = gate.judge(row[None, :])
        if decisions:
            return decisions[0]
    raise AssertionError("nothing was decided")


def test_e_values_are_the_mean_of_the_capitals() -> None:
    losses = np.random.default_rng(2).random((150, 3))
    pool = ChampionGatePool(3, minimum_rows=1000, comparison_rows=10_000)
    slot = pool.open()
    assert np.allclose(pool.e_values(slot)[1:], 1.0)
    pool.process(np.full(150, slot, np.int32), np.zeros(150, np.int64), losses)
    expected = [e_value(losses[:, 0] - losses[:, model]) for model in (1, 2)]
    assert np.allclose(pool.e_values(slot), [np.nan, *expected], equal_nan=True)


def test_a_promotion_comes_with_the_first_row_that_is_enough_and_with_its_evidence() -> None:
    losses = errors(3000, 0.3, 0.28, 0.2)
    gate = ChampionGate(3, alpha=0.05, minimum_rows=20)
    decision = until_decided(gate, losses)
    differences = losses[:, [0]] - losses
    assert (decision.kind, decision.champion, decision.model, gate.champion) == ("promote", 0, 2, 2)
    assert decision.needed == pytest.approx(2 * 1 * 2 / 0.05), "two candidates, the first comparison"
    rows = decision.row + 1
    assert decision.rows == rows
    assert decision.e_value == pytest.approx(e_value(differences[:rows, 2])) and decision.e_value >= decision.needed
    before = [e_value(differences[:n, model]) for n in range(20, rows) for model in (1, 2)]
    assert max(before) < decision.needed
    assert decision.gain == pytest.approx(differences[:rows, 2].mean())
    assert decision.squares == pytest.approx((differences[:rows, 2] ** 2).sum())


def test_the_confidence_bound_is_where_the_bets_would_just_be_enough() -> None:
    losses = errors(4000, 0.3, 0.2, seed=3)
    decision = until_decided(ChampionGate(2, minimum_rows=2000), losses)
    differences = losses[: decision.rows, 0] - losses[: decision.rows, 1]
    capitals = np.prod(1 + SHARES[:, None] * differences[None, :], axis=1)
    level = (capitals * np.exp(-SHARES * decision.rows * decision.gain_at_least)).mean()
    assert level == pytest.approx(decision.needed, rel=1e-6)
    assert 0 < decision.gain_at_least < decision.gain


@pytest.mark.parametrize("drifts", [False, True])
def test_the_mean_capital_does_not_grow_while_the_candidate_is_no_better(drifts: bool) -> None:
    """Over all 3**7 histories, with chances that depend on the rows before: exactly 1 where every row is even; at most
    1 where the candidate is first worse and then as much better."""
    dice = np.random.default_rng(5)
    busy: dict[tuple[int, ...], float] = {}
    total = 0.0
    for history in itertools.product((-1, 0, 1), repeat=7):
        chance = 1.0
        for row, difference in enumerate(history):
            spread = busy.setdefault(history[:row], float(dice.uniform(0.1, 0.4)))
            tilt = (0.0 if not drifts else -0.1 if row < 4 else 0.4 / 3) / 2
            chance *= {-1: spread - tilt, 0: 1 - 2 * spread, 1: spread + tilt}[difference]
        total += chance * e_value(history)
    assert total == pytest.approx(1.0) if not drifts else total < 1.0


def test_minimum_rows_hold_a_promotion_back() -> None:
    losses = np.tile([1.0, 0.0], (500, 1))
    assert until_decided(ChampionGate(2, minimum_rows=300), losses).rows == 300
    assert until_decided(ChampionGate(2, minimum_rows=1), losses).rows == 10


def test_the_cool_down_holds_the_next_promotion_back() -> None:
    """Model 1 is better than 0, and 2 than 1; the second promotion waits."""
    gate = ChampionGate(3, minimum_rows=5, cool_down=400)
    decisions = gate.judge(np.vstack([np.tile([1.0, 0.5, 0.5], (30, 1)), np.tile([1.0, 0.5, 0.0], (600, 1))]))
    first, second = decisions
    assert (first.kind, first.model) == ("promote", 1)
    assert (second.kind, second.model, second.row - first.row) == ("promote", 2, 401)


def test_a_champion_that_fails_is_rolled_back_at_once_and_barred_for_a_while() -> None:
    better, worse = np.tile([1.0, 0.0], (30, 1)), np.tile([0.0, 1.0], (60, 1))
    gate = ChampionGate(2, minimum_rows=10, cool_down=100)
    decisions = gate.judge(np.vstack([better, worse, np.tile([1.0, 0.0], (300, 1))]))
    assert [(each.kind, each.champion, each.model) for each in decisions] == [
        ("promote", 0, 1), ("rollback", 1, 0), ("promote", 0, 1),
    ]  # fmt: skip
    promoted, back, again = decisions
    # the new champion had some good rows before the bad ones, so some are needed to make up for them
    assert back.row < 30 + 50 and back.e_value >= back.needed == pytest.approx(20)
    assert back.gain > 0 and back.rows == back.row - promoted.row
    assert again.row - back.row > 100


def test_a_champion_that_holds_is_confirmed_when_its_probation_is_over() -> None:
    gate = ChampionGate(2, minimum_rows=10, cool_down=0, rollback_rows=50)
    promoted, confirmed = gate.judge(np.tile([1.0, 0.0], (100, 1)))
    assert (confirmed.kind, confirmed.model, confirmed.row - promoted.row) == ("confirm", 1, 50)
    assert confirmed.gain == -1.0, "the former champion lost on every row"
    # what comes later is for the ordinary comparison, which has to be surer
    later, _ = gate.judge(np.tile([0.0, 1.0], (400, 1)))
    assert (later.kind, later.champion, later.model) == ("promote", 1, 0)


def test_a_comparison_without_winner_ends_and_the_next_needs_more() -> None:
    losses = errors(1000, 0.2, 0.2, 0.2)
    gate = ChampionGate(3, minimum_rows=10, comparison_rows=250)
    decisions = gate.judge(losses)
    assert [(each.kind, each.row) for each in decisions] == [("keep", 249), ("keep", 499), ("keep", 749), ("keep", 999)]
    assert [each.needed for each in decisions] == pytest.approx([2 * n * (n + 1) / 0.05 for n in (1, 2, 3, 4)])
    for part, each in zip(np.split(losses, 4), decisions, strict=True):
        assert each.e_value == pytest.approx(max(e_value(part[:, 0] - part[:, model]) for model in (1, 2)))


def test_who_served_is_told_row_by_row() -> None:
    pool = ChampionGatePool(2, minimum_rows=10)
    found = pool.process(np.full(30, pool.open(), np.int32), np.zeros(30, np.int64), np.tile([1.0, 0.0], (30, 1)))
    row = int(found["decision"].argmax())
    assert found["champion"].tolist() == [0] * (row + 1) + [1] * (29 - row)
    assert found["model"][[row - 1, row]].tolist() == [-1, 1]


def test_a_long_lead_does_not_overflow() -> None:
    gate = ChampionGate(2, minimum_rows=5000, comparison_rows=5000)
    (decision,) = gate.judge(np.tile([1.0, 0.0], (5000, 1)))
    assert decision.kind == "promote" and np.isfinite(decision.e_value)
    assert 0.9 < decision.gain_at_least < 1.0


def test_losses_are_bounded() -> None:
    labels, given = [1, 0, 1], np.array([[0.5, 0.0], [0.4, 1.0], [0.49, 1e-9]])
    assert bounded_loss("error", labels, given).tolist() == [[0, 1], [0, 1], [1, 1]]
    assert bounded_loss("brier", labels, given[:, 0]).tolist() == pytest.approx([0.25, 0.16, 0.2601])
    log = bounded_loss("log", labels, given)
    assert log[0, 0] == pytest.approx(np.log(2) / np.log(100)) and log[1:, 1].tolist() == [1.0, 1.0]
    with pytest.raises(ParameterError, match="a loss must be one of error, brier, log, got 'hinge'"):
        bounded_loss("hinge", labels, given)


@pytest.mark.parametrize(
    ("rows", "refused", "passed"), [(20, 0.35, 0.41), (100, 0.11, 0.46), (500, 0.005, 0.35), (2000, 0.0, 0.19)]
)
def test_the_rule_of_95_per_cent(rows: int, refused: float, passed: float) -> None:
    """The share of equally good models it turns away, and of models five points worse that pass: published, and by
    trying."""
    assert 1 - acceptance(0.85, 0.85, rows) == pytest.approx(refused, abs=0.0051)
    assert acceptance(0.80, 0.85, rows) == pytest.approx(passed, abs=0.0051)
    tried = np.random.default_rng(rows).binomial(rows, 0.80, 20_000) / rows > 0.95 * 0.85
    assert tried.mean() == pytest.approx(acceptance(0.80, 0.85, rows), abs=0.015)


@pytest.mark.parametrize(
    "given",
    [{"models": 1}, {"models": 33}, {"alpha": 0.0}, {"alpha": 1}, {"minimum_rows": 0}, {"cool_down": -1},
     {"comparison_rows": 199}, {"rollback_alpha": 2.0}, {"rollback_rows": 1.5}],
    ids=str,
)  # fmt: skip
def test_parameters_out_of_range(given: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(given))} must be"):
        ChampionGatePool(**{"models": 2, **given})


@pytest.mark.parametrize("loss", [-0.01, 1.01, np.nan])
def test_losses_out_of_range_are_refused(loss: float) -> None:
    gate = ChampionGate(2)
    with pytest.raises(InputError, match=r"row 1, model 1: a loss must be in 0\.\.1"):
        gate.judge([[0.5, 0.5], [0.5, loss]])
    with pytest.raises(InputError, match=r"shape \(n, 2\)"):
        gate.judge([0.5, 0.5])


def test_states_that_cannot_be_are_refused_though_the_checksums_fit() -> None:
    pool = ChampionGatePool(2)
    slot = pool.open()
    for place, value in ((0, 2.0), (1, 0.5), (4, 0.0), (10, -1.0)):
        pool._state[slot] = pool._fresh
        pool._state[slot, place] = value
        with pytest.raises(SnapshotError, match="its bets cannot be"):
            pool.load(pool.dump(slot))
