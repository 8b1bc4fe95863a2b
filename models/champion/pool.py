"""The gate of many keys: who serves, and when that changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.arguments import above_zero_below_one, whole_number
from models.champion import kernels
from models.champion.kernels import BEGIN, BET, BETS, CAPITALS, CHAMPION, FORMER, NUMBER
from models.errors import InputError
from models.packed_pool import PackedPool

MOST_MODELS = 32
MOST_ROWS = 1_000_000_000

#: Names of the decisions, by the kernels' numbers.
DECISIONS = ("", "promote", "rollback", "confirm", "keep")

#: Results that are whole numbers, and results that are not, by the kernels' columns.
_WHOLE = {
    "champion": kernels.SERVING, "decision": kernels.DECISION, "model": kernels.MODEL, "rows": kernels.COMPARED,
}  # fmt: skip
_REAL = {
    "e_value": kernels.E_VALUE, "needed": kernels.NEEDED, "gain": kernels.GAIN,
    "gain_at_least": kernels.GAIN_AT_LEAST, "squares": kernels.SQUARE,
}  # fmt: skip


class ChampionGatePool(PackedPool):
    """Champion and challengers for many keys: a challenger takes over when it has proved to be better, and only then.

    Parameters
    ----------
    models
        How many models learn side by side, 2 to 32; model 0 is the first champion.
    alpha
        The chance that is put up with that, in the life of a key, any promotion is a false one; above 0 and below 1.
    minimum_rows
        No promotion before a comparison has so many rows.
    cool_down
        No promotion within so many rows of a change of champion.
    comparison_rows
        A comparison without a winner ends after so many rows, and another begins: what a candidate was long ago does
        not count for ever.
    rollback_alpha
        The same chance for a rollback, for each promotion.
    rollback_rows
        For so many rows after a promotion the former champion is compared with the new one, and comes back, whatever
        the cool-down, when it proves to be better. 0: it does not.

    Notes
    -----
    **What is guaranteed.** Let d be the champion's loss on a row minus a candidate's, and the mean difference of a
    comparison up to a row the mean of the d's expectations, each given all rows before. With probability 1 - alpha at
    least, in the whole life of a key, however long and looked at after every row: *at every promotion the mean
    difference of its comparison is above 0*. Nothing is assumed of the rows: they may drift, depend on each other, and
    the models may learn all the while; losses must be in 0..1.

    What that does not say: that the candidate is better *now*, or will be. Where models take turns in being better, one
    that has been better so far may be promoted although it will lose as much later: that is no false promotion in this
    sense, and the rollback is for it. A model that was promoted when it was no better on average is.

    **How.** For each candidate capitals that begin with 1 are multiplied on every row by ``1 + share * d``, with 16
    fixed shares. Given the rows before, ``1 + share * d`` has an expectation of at most ``exp(share * E d)``, so the
    mean capital divided by the accordingly weighted ``exp(share * sum of E d)`` is a supermartingale; by Ville's
    inequality it ever reaches 1/a with a probability of a at most, and where the sum of E d is 0 or less the mean
    capital (`e_value`) is no larger. It takes shares that are fixed: with shares that follow the rows, capital may grow
    by betting on whoever is ahead, and only the stronger hypothesis "never better on any row" could be refused. Alpha
    is divided equally among candidates, and among the comparisons of a key as 1/2, 1/6, 1/12, ...

    **Decisions**, at most one a row, behind it: ``promote`` and ``rollback`` (from the next row on `model` serves),
    ``confirm`` (the probation of the champion `model` has ended), ``keep`` (a comparison has ended, `model` was nearest
    to winning). With the evidence: `e_value` and what was `needed`; `gain`, the mean of d (for a confirm: the former
    champion's); `gain_at_least`, the lower end of the confidence sequence of the mean difference at the level of
    `needed`; `rows`, and `squares`, the sum of d squared: for losses of 0 and 1, on how many rows the two disagreed.

    Memory is ``8 * (26 + 18 * models)`` bytes a key, constant; a row takes some tens of nanoseconds a model.

    Sources: Ville, "Étude critique de la notion de collectif", 1939; Waudby-Smith, Ramdas, "Estimating means of
    bounded random variables by betting", JRSS B 86 (2024; arXiv 2010.09686), for the capital; Howard, Ramdas,
    McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49
    (2021), whose empirical-Bernstein boundary holds for running means too and is what ``1 + share * d`` sharpens; Choe,
    Ramdas, "Comparing sequential forecasters", Operations Research 72 (2024; arXiv 2110.00115), for the weak and
    the strong hypothesis and losses given the past; Wu and others, "ChaCha for online AutoML", ICML 2021, for champion
    and challengers.
    """

    def __init__(
        self,
        models: int,
        alpha: float = 0.05,
        minimum_rows: int = 200,
        cool_down: int = 1_000,
        comparison_rows: int = 100_000,
        rollback_alpha: float = 0.05,
        rollback_rows: int = 20_000,
    ) -> None:
        self.models = whole_number("models", models, 2, MOST_MODELS)
        self.alpha = above_zero_below_one("alpha", alpha)
        self.minimum_rows = whole_number("minimum_rows", minimum_rows, 1, MOST_ROWS)
        self.cool_down = whole_number("cool_down", cool_down, 0, MOST_ROWS)
        self.comparison_rows = whole_number("comparison_rows", comparison_rows, self.minimum_rows, MOST_ROWS)
        self.rollback_alpha = above_zero_below_one("rollback_alpha", rollback_alpha)
        self.rollback_rows = whole_number("rollback_rows", rollback_rows, 0, MOST_ROWS)
        self._rules = (
            self.alpha, self.minimum_rows, self.cool_down, self.comparison_rows, self.rollback_alpha,
            self.rollback_rows,
        )  # fmt: skip
        names = ("alpha", "minimum_rows", "cool_down", "comparison_rows", "rollback_alpha", "rollback_rows")
        parameters: dict[str, int | float] = {"models": self.models, **dict(zip(names, self._rules, strict=True))}
        super().__init__("champion", parameters, kernels.fresh_gate(self.models), columns=self.models)
        kernels.make_ready()

    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Take the losses of each row, and decide.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), not used, ``columns`` float64 (n, models), the loss of each
        model on the row, in 0..1, of predictions made before the row was learned. Returns arrays (n,): ``champion``,
        who served the row; ``decision``, a place in `DECISIONS`; ``model`` (-1 for nothing), ``rows``, ``e_value``,
        ``needed``, ``gain``, ``gain_at_least``, ``squares`` as above, 0 where nothing was decided.

        Raises
        ------
        InputError
            Wrong shapes, or a loss that is not in 0..1; nothing was changed.
        """
        places, losses = self._checked(slots, columns)
        wrong = ~((losses >= 0.0) & (losses <= 1.0))
        if wrong.any():
            row, model = np.argwhere(wrong)[0].tolist()
            raise InputError(f"row {row}, model {model}: a loss must be in 0..1, got {float(losses[row, model])!r}")
        results = np.empty((losses.shape[0], kernels.RESULTS))
        kernels.judge(self._state, places, losses, *self._rules, results)
        whole = {name: results[:, column].astype(np.int64) for name, column in _WHOLE.items()}
        return whole | {name: results[:, column] for name, column in _REAL.items()}

    def champion(self, slot: int) -> int:
        """Who serves the next row of a slot."""
        return int(self._state[self._opened(slot), CHAMPION])

    def e_values(self, slot: int) -> npt.NDArray[np.float64]:
        """(models,) the e-value of each model in the comparison that runs; NaN for the champion."""
        bets = self._state[self._opened(slot), BEGIN + BET :].reshape(self.models, BET)
        values: npt.NDArray[np.float64] = bets[:, CAPITALS:].sum(axis=1) / BETS
        values[self.champion(slot)] = np.nan
        return values

    def _wrong_state(self, state: npt.NDArray[np.float64]) -> str | None:
        fits = np.isfinite(state).all() and state[NUMBER] >= 1 and (state[BEGIN:].reshape(-1, BET)[:, 1:] >= 0).all()
        if fits and state[CHAMPION] in range(self.models) and state[FORMER] in range(-1, self.models):
            return None
        return "its bets cannot be"
