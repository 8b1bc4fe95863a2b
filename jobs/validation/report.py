"""What the lists of all rankings were worth, side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jobs.errors import UsageError
from jobs.validation.clicks import Clicks
from jobs.validation.period import Period
from jobs.validation.protocols import Lists, ask_after_all, ask_before_each, prequential, split
from models.errors import ParameterError
from models.ranking import (
    average_precision_all,
    average_precision_min,
    hit,
    hits_at,
    mean_by_user,
    ndcg,
    paired_difference,
    reciprocal_rank,
)
from models.recommend import make_ranking
from models.recommend.ranking import ClickRanking

#: Places of a list that are looked at.
K = 10
#: What a ranking must beat, both, by more than two standard errors.
BASELINES = ("popular-static", "popular-window")
ERRORS = 2.0
#: What is compared unless rankings are named.
MODELS = (
    "random", "popular-static", "popular-window", "popular-window:30m", "popular-window:1h", "clusters",
    "segment-popular", "exact", "covisit", "blend",
)  # fmt: skip

Values = Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]


def report(
    clicks: Clicks,
    period: Period,
    protocol: str,
    models: Sequence[str] = MODELS,
    *,
    most: int = 50_000,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Ask every ranking the same questions, and compare.

    Parameters
    ----------
    clicks, period
        What is learned and asked about.
    protocol
        ``prequential`` or ``split``.
    models
        Names of rankings; the two baselines are added where they are missing.
    most
        Questions at most (prequential: clicks; split: users).
    seed
        Of the draw and of the rankings.
    tell
        Called with what is being done.

    Returns
    -------
    dict
        The JSON of ``cutbank validate``.

    Raises
    ------
    UsageError
        A ranking is not there, or there is nothing to ask.
    """
    names = [name for name in BASELINES if name not in models]
    names = list(dict.fromkeys([*names, *models]))
    made = {name: _ranking(name, period, seed) for name in names}
    questions = (prequential if protocol == "prequential" else split)(clicks, period, most, seed)
    asked = questions.asked.size or len(questions.relevant)
    if not asked:
        raise UsageError("no user of the test clicks anything new: there is nothing to ask; choose other days")
    more: dict[str, dict[str, Any]] = {}
    every: dict[str, Lists] = {}
    begun = time.monotonic()
    for number, name in enumerate(names, 1):
        started = time.process_time()

        def tell_part(done: int, name: str = name, number: int = number) -> None:
            tell(f"{name} ({number} of {len(names)}): {done:,} of {len(questions.clicks):,} clicks")

        ranking = made.pop(name)
        if protocol == "prequential":
            lists = ask_before_each(ranking, questions, K, tell_part)
        else:
            lists = ask_after_all(ranking, questions, K, period.test_ms, tell_part)
        every[name] = lists
        more[name] = {
            "coverage": len(_shown(lists)) / max(1, ranking.known),
            "unreachable": 1.0 - lists.reachable / sum(map(len, lists.relevant)),
            "fallbacks": ranking.fallbacks,
            "cpu_seconds": round(time.process_time() - started, 1),
        }
    rows = figures(every)
    for name, row in rows.items():
        row |= more[name]
    users = np.array(every[names[0]].users, np.int64)
    return {
        "protocol": protocol,
        "period": period.described(),
        "clicks": len(questions.clicks),
        "asked": int(asked),
        "users": int(np.unique(users).size),
        "repeated": questions.repeated,
        "seconds": round(time.monotonic() - begun, 1),
        "models": rows,
    }


def _ranking(name: str, period: Period, seed: int) -> ClickRanking:
    own = {"since_ms": max(0, period.train_ms), "until_ms": period.test_ms} if name == "popular-static" else {}
    try:
        return make_ranking(name, seed=seed, **own)
    except ParameterError as error:
        raise UsageError(f"--model: {error}") from None


def figures(lists: Mapping[str, Lists]) -> dict[str, dict[str, Any]]:
    """The figures of rankings that were asked the same questions, from their lists alone.

    Parameters
    ----------
    lists
        By the name of the ranking, all for the same users in the same order.

    Returns
    -------
    dict
        By name: metrics, the standard error with users as the unit, `versus` (the difference to both baselines, of the
        blend to all, with its error) and whether it `passes`; a baseline that is not there is not compared with.
    """
    rows: dict[str, dict[str, Any]] = {}
    values: dict[str, Values] = {}
    users = np.empty(0, np.int64)
    for name, each in lists.items():
        users = np.array(each.users, np.int64)
        rows[name], values[name] = _row(each, users)
    for name, row in rows.items():
        row["versus"] = {
            other: _versus(values[name], values[other], users)
            for other in lists
            if (other in BASELINES or name == "blend") and other != name
        }
        row["passes"] = name not in BASELINES and all(
            other in row["versus"] and row["versus"][other]["difference"] > ERRORS * row["versus"][other]["se"]
            for other in BASELINES
        )
    return rows


def _row(lists: Lists, users: np.ndarray[Any, Any]) -> tuple[dict[str, Any], Values]:
    """The figures of a ranking, and its metrics by list."""
    relevant = np.array([len(items) for items in lists.relevant])
    hits = hits_at(lists.lists, lists.relevant, K)
    values = {
        f"ndcg@{K}": ndcg(hits, relevant), f"hr@{K}": hit(hits, relevant), f"mrr@{K}": reciprocal_rank(hits, relevant),
        f"map@{K}_all": average_precision_all(hits, relevant), f"map@{K}_min": average_precision_min(hits, relevant),
    }  # fmt: skip
    row: dict[str, Any] = {"n": len(lists.lists)}
    row |= {name: float(each.mean()) for name, each in values.items()}
    row[f"se_ndcg@{K}"] = _finite(mean_by_user(values[f"ndcg@{K}"], users).error)
    row["items_shown"] = len(_shown(lists))
    return row, values


def _shown(lists: Lists) -> set[int]:
    return {int(item) for items in lists.lists for item in items}


def _versus(ours: Values, theirs: Values, users: np.ndarray[Any, Any]) -> dict[str, float]:
    name = f"ndcg@{K}"
    difference = paired_difference(ours[name], theirs[name], users)
    return {"difference": difference.mean, "se": _finite(difference.error)}


def _finite(value: float) -> float:
    """JSON has no NaN: with one user nothing is known of others, and no error is small enough."""
    return value if math.isfinite(value) else float(np.finfo(np.float64).max)
