"""The gate of one stream, with its decisions as events."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from models.champion.pool import DECISIONS, ChampionGatePool
from models.errors import InputError


class Decision(NamedTuple):
    """What was decided behind a row, and on what evidence; see `ChampionGatePool`.

    Attributes
    ----------
    row : int
        Number of the row since the beginning, from 0.
    kind : str
        'promote', 'rollback', 'confirm' or 'keep'.
    champion : int
        Who served the row.
    model : int
        Who was promoted, came back, was confirmed, or was nearest to winning.
    e_value, needed : float
        Evidence that the model is better, and how much is enough.
    gain, gain_at_least : float
        Mean difference of losses, and the lower end of its confidence sequence.
    rows : int
        Rows that were compared.
    squares : float
        Sum of the squared differences.
    """

    row: int
    kind: str
    champion: int
    model: int
    e_value: float
    needed: float
    gain: float
    gain_at_least: float
    rows: int
    squares: float


class ChampionGate:
    """Champion and challengers of one stream: `ChampionGatePool` with one key.

    Parameters
    ----------
    models, rules
        As there.

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(1)
    >>> losses = (random.random((3000, 2)) < [0.3, 0.2]).astype(float)
    >>> gate = ChampionGate(2, alpha=0.01)
    >>> (decision,) = gate.judge(losses)
    >>> decision.kind, decision.model, gate.champion
    ('promote', 1, 1)
    >>> decision.gain_at_least > 0
    True
    """

    def __init__(self, models: int, **rules: Any) -> None:
        self._pool = ChampionGatePool(models, **rules)
        self._slot = self._pool.open()
        self._rows = 0

    @property
    def champion(self) -> int:
        """Who serves the next row."""
        return self._pool.champion(self._slot)

    def judge(self, losses: Any) -> list[Decision]:
        """The decisions behind rows of losses (n, models), each in 0..1.

        Raises
        ------
        InputError
            Another shape, or a loss that is not in 0..1; nothing was changed.
        """
        rows = np.asarray(losses, np.float64)
        if rows.ndim != 2:
            raise InputError(f"losses must have the shape (n, {self._pool.models}), got {rows.shape}")
        found = self._pool.process(np.full(len(rows), self._slot, np.int32), np.zeros(len(rows), np.int64), rows)
        decided = np.flatnonzero(found["decision"]).tolist()
        decisions = [
            Decision(
                row=self._rows + row,
                kind=DECISIONS[found["decision"][row]],
                **{name: found[name][row].item() for name in Decision._fields[2:]},
            )
            for row in decided
        ]
        self._rows += len(rows)
        return decisions
