"""Hoeffding trees and adaptive random forests for many keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from models.errors import ParameterError
from models.learning.interface import Floats, Times
from models.learning.parameters import Declared, Real, Whole, checked
from models.learning.state_pool import Longs, StatePool
from models.learning.work import Work
from models.trees import kernels
from models.trees.layout import DRIFTS, MEMBER_SIZE, MEMBERS_AT, sizes_of
from models.trees.sound import wrong_trees

_TREE: Declared = {
    "max_leaves": Whole(512, 2, 65_536, "leaves of a tree; it stops to split when it has them"),
    "tie": Real(0.05, 0.0, 1.0, "two splits are as good as equal below this bound, in bits"),
    "category_values": Whole(
        32, 8, 1024, "room for values of a categorical column (7/8 of it); further ones are missing"
    ),
    "positive_weight": Real(1.0, 0.0, 1e6, "weight of rows with label 1"),
    "negative_weight": Real(1.0, 0.0, 1e6, "weight of rows with label 0"),
}
#: What each learner may be told.
PARAMETERS: dict[str, Declared] = {
    "hoeffding_tree": {
        **_TREE,
        "grace": Whole(200, 1, 10**6, "rows of a leaf between tries to split it"),
        "delta": Real(1e-7, 0.0, 0.5, "chance of a split that more rows would not confirm", above_low=True),
    },
    "adaptive_random_forest": {
        **_TREE,
        "trees": Whole(10, 1, 200, "members"),
        "grace": Whole(50, 1, 10**6, "rows of a leaf between tries to split it"),
        "delta": Real(0.01, 0.0, 0.5, "chance of a split that more rows would not confirm", above_low=True),
        "column_share": Real(0.8, 0.0, 1.0, "share of the columns that a leaf watches, drawn for each", above_low=True),
        "resampling": Real(6.0, 0.0, 50.0, "mean of the Poisson number of times a tree learns a row", above_low=True),
        "warning_delta": Real(0.01, 0.0, 0.5, "confidence of the detector that begins a second tree", above_low=True),
        "drift_delta": Real(0.001, 0.0, 0.5, "confidence of the detector that puts it in service", above_low=True),
        "seed": Whole(0, 0, 2**53 - 1, "seed of all randomness"),
    },
}
#: Bytes that one model may hold.
MEMORY_LIMIT = 2 * 1024**3


class _TreesPool(StatePool):
    """What a tree and a forest share."""

    def __init__(self, algorithm: str, columns: int, categories: int, parameters: dict[str, Any]) -> None:
        given = checked(algorithm, PARAMETERS[algorithm], parameters)
        forest = algorithm == "adaptive_random_forest"
        every = columns + categories
        watched = min(max(1, math.floor(given["column_share"] * every + 0.5)), every) if forest else every
        self._sizes, width = sizes_of(
            columns, categories, given["category_values"], watched, given["max_leaves"], given.get("trees", 1), forest,
            given.get("seed", 0),
        )  # fmt: skip
        if 8 * width > MEMORY_LIMIT:
            raise ParameterError(
                f"{algorithm} with max_leaves {given['max_leaves']} over {every} columns needs {8 * width:,} bytes, "
                f"more than the limit of {MEMORY_LIMIT:,}: lower max_leaves"
            )
        names = (
            "grace", "delta", "tie", "resampling", "warning_delta", "drift_delta", "negative_weight", "positive_weight",
        )  # fmt: skip
        self._rates = np.array([float(given.get(name, 0.0)) for name in names])
        kernels.make_ready()
        fresh = np.zeros(width)
        kernels.begin(fresh, self._sizes)
        facts = {"columns": columns, "categories": categories, **given}
        super().__init__("adaptive_forest" if forest else "hoeffding_tree", facts, columns, categories, fresh)

    def _take(
        self, states: Floats, slots: Longs, times: Times, values: Floats, labels: Floats, weights: Floats, out: Floats,
        work: Work,
    ) -> None:  # fmt: skip
        kernels.take_rows(states, slots, values, labels, weights, out, work, self._sizes, self._rates)

    def _wrong_state(self, state: Floats) -> str | None:
        return wrong_trees(state, self._sizes)


class HoeffdingTreePool(_TreesPool):
    """A Hoeffding tree a key.

    Parameters
    ----------
    columns, categories
        Numeric columns, and categorical ones behind them.
    parameters
        As ``PARAMETERS["hoeffding_tree"]`` declares them; ParameterError for others.

    Notes
    -----
    A prediction is a probability in 0..1, one half before the first row is learned. Leaves predict by their majority or
    by naive Bayes, whichever was right more often. The tree does not unlearn: where concepts drift take the forest.
    Memory of a slot is at most `slot_bytes`, 408 KB for 8 columns and 512 leaves; pages that are not used cost
    nothing. Time of a row: about a microsecond.

    Source: P. Domingos, G. Hulten, "Mining High-Speed Data Streams", KDD 2000.
    """

    def __init__(self, columns: int, categories: int = 0, **parameters: Any) -> None:
        super().__init__("hoeffding_tree", columns, categories, parameters)


class AdaptiveForestPool(_TreesPool):
    """An adaptive random forest a key.

    Parameters
    ----------
    columns, categories
        Numeric columns, and categorical ones behind them.
    parameters
        As ``PARAMETERS["adaptive_random_forest"]`` declares them; ParameterError for others.

    Notes
    -----
    A prediction is a probability in 0..1: the members' probabilities, each weighted by the share of its votes that were
    right; one half before the first row is learned. Memory of a slot is at most `slot_bytes`, 6.5 MB for 10 trees of
    512 leaves over 8 columns; pages that are not used cost nothing. Every slot has the same seed, so a key's results
    are those of a forest that saw only that key's rows. Time of a row: some 10 microseconds with 10 trees.

    Source: H. M. Gomes and others, "Adaptive random forests for evolving data stream classification", Machine Learning
    2017.
    """

    def __init__(self, columns: int, categories: int = 0, **parameters: Any) -> None:
        super().__init__("adaptive_random_forest", columns, categories, parameters)

    def drifts(self, slot: int) -> npt.NDArray[np.int64]:
        """(trees,) how often each member was replaced."""
        state = self.state(slot)
        return np.array([self._member(state, number)[DRIFTS] for number in range(self.parameters["trees"])], np.int64)

    def _member(self, state: Floats, number: int) -> Floats:
        first = int(self._sizes[MEMBERS_AT] + number * self._sizes[MEMBER_SIZE])
        return state[first : first + int(self._sizes[MEMBER_SIZE])]
