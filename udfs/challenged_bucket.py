"""The models of one bucket where several learn side by side and a gate decides who serves.

What waits for its label holds what *every* model said then, so each is judged by the prediction it made at the time,
and not by one it would make now, with labels learned that were not known when the row came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from models.champion.kernels import PROMOTE, ROLLBACK
from models.champion.pool import DECISIONS
from udfs.labelled_bucket import LEARN, PREDICT, Asked, LabelledBucket, Result
from udfs.ledger import Pending

if TYPE_CHECKING:
    from models.champion.challengers import ChallengersPool, Taken

#: What is told of a decision besides its kind and who is meant, by the gate's names (`ChampionGatePool`).
EVIDENCE = ("e_value", "needed", "gain", "gain_at_least", "rows", "squares")


class ChallengedBucket(LabelledBucket):
    """As `LabelledBucket`, for a pool of champions and challengers: a decision is a row behind the outcome it follows.

    A prediction is the number of the model that serves it, and behind that what each model said.
    """

    def _ask(self, asked: Asked, results: list[Result]) -> list[Result]:
        pool = cast("ChallengersPool", self._learners)
        then, made = _said_then(asked, pool.models)
        taken = pool.take(**asked.rows(), then=then, made=made)
        rows = zip(asked.of, asked.work, taken.champion.tolist(), taken.candidates.tolist(), strict=True)
        for pending, work, champion, candidates in rows:
            if work & PREDICT:
                pending.prediction = [champion, *candidates]
        decided = np.flatnonzero(taken.decided["decision"]).tolist()
        if not decided:
            return results
        behind = {id(asked.of[row]): _decision(taken, row) for row in decided}
        found = []
        for result in results:
            found.append(result)
            decision = behind.get(id(result.of)) if result.is_outcome else None
            if decision is not None:
                found.append(Result(result.of, result.row, result.time_ms, False, decision=decision))
        return found


def _said_then(asked: Asked, models: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What was said of each row that is learned: in an earlier pack (n, models), or in this one, at which row (n,)."""
    then, made = np.full((len(asked.of), models), np.nan), np.full(len(asked.of), -1, np.int64)
    here: dict[int, int] = {}
    for row, (pending, work) in enumerate(zip(asked.of, asked.work, strict=True)):
        if work & PREDICT:
            here[id(pending)] = row
        elif work & LEARN and id(pending) in here:
            made[row] = here[id(pending)]
        else:
            then[row] = candidates_of(pending)
    return then, made


def candidates_of(pending: Pending) -> list[float]:
    """What each model said of a prediction that was made."""
    said = pending.prediction
    assert isinstance(said, list), "a prediction that waits was made"
    return said[1:]


def _decision(taken: Taken, row: int) -> dict[str, Any]:
    """What was decided behind a row: kind, who serves from then on, who served before, who is meant, the evidence."""
    facts = {name: taken.decided[name][row].item() for name in ("decision", "model", *EVIDENCE)}
    kind, before = facts["decision"], int(taken.champion[row])
    return {
        "decision": DECISIONS[kind],
        "champion": facts["model"] if kind in (PROMOTE, ROLLBACK) else before,
        "before": before,
        "candidate": facts["model"],
        **{name: facts[name] for name in EVIDENCE},
    }
