"""The compiled steps of the gate: bets on a candidate's losses, and what is decided after each row.

A bet: of a capital that begins with 1, the share L is staked on every row, and the row with loss difference d
(champion's minus candidate's, -1..1) multiplies the capital by ``1 + L * d``. While the candidate is no better, capital
does not grow in the mean. Nobody knows the best share, so capital is divided among shares of many sizes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.kernel_cache import entry, inner, ready

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

#: Shares that are staked: from 0.95 down to 0.005, each the one before divided by the root of 2. A difference of m with
#: mean square v is found soonest with m / v: 0.1 where models that disagree on a tenth of the rows differ by a point.
BETS = 16
SHARES = 0.95 * 2.0 ** (-np.arange(BETS) / 2.0)
#: A capital is not counted beyond this, which errs on the safe side.
MOST_CAPITAL = 1e300

#: Places in a gate's state: the champion, the one before it (-1: none on probation), rows since the champion took over,
#: rows of the comparison that runs, its number, rows of the probation so far, and how often what was decided. Behind
#: BEGIN: a bet for the former champion, then one for each model.
CHAMPION, FORMER, TERM_ROWS, ROWS, NUMBER, PROBATION_ROWS, PROMOTIONS, ROLLBACKS = range(8)
BEGIN = 8
#: Of a bet: sum of the differences, sum of their squares, and the capitals.
SUM, SQUARES, CAPITALS = 0, 1, 2
BET = CAPITALS + BETS

#: What was decided after a row.
NOTHING, PROMOTE, ROLLBACK, CONFIRM, KEEP = range(5)

#: Columns of the results.
SERVING, DECISION, MODEL, E_VALUE, NEEDED, GAIN, GAIN_AT_LEAST, COMPARED, SQUARE = range(9)
RESULTS = 9


def gate_size(models: int) -> int:
    """How many float64 the state of a gate takes."""
    return BEGIN + (models + 1) * BET


def fresh_gate(models: int) -> Floats:
    """(gate_size(models),) the state of a gate that has seen nothing: model 0 serves."""
    state = np.zeros(gate_size(models))
    state[FORMER], state[NUMBER] = -1.0, 1.0
    state[BEGIN:].reshape(-1, BET)[:, CAPITALS:] = 1.0
    return state


@inner
def _begin_bet(state: Floats, place: int) -> None:
    state[place + SUM] = state[place + SQUARES] = 0.0
    for k in range(BETS):
        state[place + CAPITALS + k] = 1.0


@inner
def _bet(state: Floats, place: int, difference: float) -> None:
    if difference == 0.0:
        return
    state[place + SUM] += difference
    state[place + SQUARES] += difference * difference
    for k in range(BETS):
        capital = state[place + CAPITALS + k] * (1.0 + SHARES[k] * difference)
        state[place + CAPITALS + k] = min(capital, MOST_CAPITAL)


@inner
def _e_value(state: Floats, place: int) -> float:
    """The mean capital: at least 1/a with a chance of a at most, ever, while the candidate is no better."""
    total = 0.0
    for k in range(BETS):
        total += state[place + CAPITALS + k]
    return total / BETS


@inner
def _gain_at_least(state: Floats, place: int, rows: float, needed: float) -> float:
    """The lower end of the confidence sequence of the mean difference so far; -1 at worst."""
    low, high = -1.0, 1.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        total = 0.0
        for k in range(BETS):
            capital = state[place + CAPITALS + k]
            if capital > 0.0:
                total += math.exp(min(700.0, math.log(capital) - SHARES[k] * rows * middle))
        if total / BETS >= needed:
            low = middle
        else:
            high = middle
    return low


@inner
def _compare_anew(state: Floats, models: int) -> None:
    state[ROWS] = 0.0
    state[NUMBER] += 1.0
    for model in range(models):
        _begin_bet(state, BEGIN + (model + 1) * BET)


@inner
def _tell(state: Floats, place: int, rows: float, needed: float, decision: int, model: int, found: Floats) -> None:
    """A decision with its evidence."""
    found[DECISION], found[MODEL] = decision, model
    found[E_VALUE], found[NEEDED] = _e_value(state, place), needed
    found[GAIN] = state[place + SUM] / rows
    found[GAIN_AT_LEAST] = _gain_at_least(state, place, rows, needed)
    found[COMPARED], found[SQUARE] = rows, state[place + SQUARES]


@inner
def gate_update(
    state: Floats, losses: Floats, alpha: float, minimum_rows: int, cool_down: int, comparison_rows: int,
    rollback_alpha: float, rollback_rows: int, found: Floats,
) -> None:  # fmt: skip
    """Take the losses of a row and decide.

    Parameters
    ----------
    state
        (gate_size(models),) of this gate, `fresh_gate` before its first row.
    losses
        (models,) losses of the row, each in 0..1.
    alpha, minimum_rows, cool_down, comparison_rows, rollback_alpha, rollback_rows
        As for `ChampionGatePool`.
    found
        (RESULTS,) who served this row, and what was decided behind it with the evidence; zeros and -1 for nothing.
    """
    models = losses.size
    found[:] = 0.0
    found[MODEL] = -1.0
    champion = int(state[CHAMPION])
    found[SERVING] = champion
    state[ROWS] += 1.0
    state[TERM_ROWS] += 1.0
    best, most = -1, -1.0
    for model in range(models):
        if model != champion:
            place = BEGIN + (model + 1) * BET
            _bet(state, place, losses[champion] - losses[model])
            e_value = _e_value(state, place)
            if e_value > most:
                best, most = model, e_value

    former = int(state[FORMER])
    if former >= 0:
        state[PROBATION_ROWS] += 1.0
        _bet(state, BEGIN, losses[champion] - losses[former])
        if _e_value(state, BEGIN) * rollback_alpha >= 1.0:
            _tell(state, BEGIN, state[PROBATION_ROWS], 1.0 / rollback_alpha, ROLLBACK, former, found)
            state[CHAMPION], state[FORMER], state[TERM_ROWS] = former, -1.0, 0.0
            state[ROLLBACKS] += 1.0
            _compare_anew(state, models)
            return

    # alpha is divided among the candidates and, for ever, among the comparisons: 1/2 + 1/6 + 1/12 + ... is 1
    number = state[NUMBER]
    needed = (models - 1) * number * (number + 1.0) / alpha
    free = state[TERM_ROWS] > cool_down or state[PROMOTIONS] + state[ROLLBACKS] == 0.0
    if most >= needed and state[ROWS] >= minimum_rows and free:
        _tell(state, BEGIN + (best + 1) * BET, state[ROWS], needed, PROMOTE, best, found)
        state[CHAMPION], state[FORMER], state[TERM_ROWS], state[PROBATION_ROWS] = best, champion, 0.0, 0.0
        state[PROMOTIONS] += 1.0
        _begin_bet(state, BEGIN)
        _compare_anew(state, models)
    elif former >= 0 and state[PROBATION_ROWS] >= rollback_rows:
        _tell(state, BEGIN, state[PROBATION_ROWS], 1.0 / rollback_alpha, CONFIRM, champion, found)
        state[FORMER] = -1.0
    elif state[ROWS] >= comparison_rows:
        _tell(state, BEGIN + (best + 1) * BET, state[ROWS], needed, KEEP, best, found)
        _compare_anew(state, models)


@entry
def judge(
    state: Floats, slots: Longs, losses: Floats, alpha: float, minimum_rows: int, cool_down: int, comparison_rows: int,
    rollback_alpha: float, rollback_rows: int, results: Floats,
) -> None:  # fmt: skip
    """Rows (n, models) in order through the gates of their keys; `results` (n, RESULTS)."""
    for row in range(losses.shape[0]):
        gate_update(
            state[slots[row]], losses[row], alpha, minimum_rows, cool_down, comparison_rows, rollback_alpha,
            rollback_rows, results[row],
        )  # fmt: skip


def make_ready() -> None:
    """Load the kernel, or compile it."""
    table = np.empty((0, 1))
    ready(judge, table, np.empty(0, np.int64), table, 0.05, 1, 0, 1, 0.05, 0, table)


#: What the list of kernels calls.
compile_all = make_ready
