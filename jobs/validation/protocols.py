"""The two ways to ask a ranking about recorded clicks: after one training, and before each click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.validation.clicks import Clicks
from jobs.validation.period import Period
from models.recommend.ranking import ClickRanking

Longs = npt.NDArray[np.int64]


@dataclass
class Lists:
    """The lists of one ranking, and what was clicked.

    Attributes
    ----------
    users
        int64 (n,), whose list it is.
    lists
        n arrays of items, best first.
    relevant
        n sets of items.
    reachable
        How many of all relevant items the ranking knew of when it was asked.
    """

    users: list[int] = field(default_factory=list)
    lists: list[Longs] = field(default_factory=list)
    relevant: list[set[int]] = field(default_factory=list)
    reachable: int = 0


@dataclass(frozen=True)
class Questions:
    """What a ranking is asked: the clicks, and those before which it is asked, or whom it is asked about.

    Attributes
    ----------
    clicks
        Those to learn, in order; none behind the test.
    asked
        Prequential: numbers of the clicks to predict, ascending. Split: unused.
    relevant
        Split: for each user what is clicked in the test. Prequential: unused.
    repeated
        Clicks of the test that are no question: on what their user had read before.
    """

    clicks: Clicks
    asked: Longs
    relevant: dict[int, set[int]]
    repeated: int


def prequential(clicks: Clicks, period: Period, most: int, seed: int) -> Questions:
    """Predict each click of the test, then learn it; everything before the test is learned.

    Clicks on what their user has read before are learned and not asked about. Where there are more than `most`
    questions, so many of them are drawn by the seed.
    """
    clicks = clicks[: clicks.before(period.end_ms)]
    _, pair = np.unique(np.stack((clicks.users, clicks.items)), axis=1, return_inverse=True)
    fresh = np.zeros(len(clicks), np.bool_)
    fresh[np.unique(pair.ravel(), return_index=True)[1]] = True
    test = np.arange(clicks.before(period.test_ms), len(clicks))
    asked = test[fresh[test]]
    return Questions(clicks, _drawn(asked, most, seed), {}, int(test.size - asked.size))


def split(clicks: Clicks, period: Period, most: int, seed: int) -> Questions:
    """Learn the training days, then rank once for each user with clicks in both; nothing of the test is learned.

    Relevant is what a user reads in the test and has not read in the training, items that are new included. Where
    there are more than `most` users, so many of them are drawn by the seed.
    """
    first, middle, end = (clicks.before(time) for time in (period.train_ms, period.test_ms, period.end_ms))
    train, test = clicks[first:middle], clicks[middle:end]
    read: dict[int, set[int]] = {}
    for user, item in zip(train.users.tolist(), train.items.tolist(), strict=True):
        read.setdefault(user, set()).add(item)
    relevant: dict[int, set[int]] = {}
    repeated = 0
    for user, item in zip(test.users.tolist(), test.items.tolist(), strict=True):
        if user in read and item not in read[user]:
            relevant.setdefault(user, set()).add(item)
        elif user in read:
            repeated += 1
    users = _drawn(np.array(sorted(relevant), np.int64), most, seed)
    return Questions(train, np.empty(0, np.int64), {user: relevant[user] for user in users.tolist()}, repeated)


def ask_before_each(ranking: ClickRanking, questions: Questions, k: int, tell: Callable[[int], None]) -> Lists:
    """The lists of a ranking that is asked before each click and then learns it."""
    clicks, found = questions.clicks, Lists()
    asked = np.zeros(len(clicks), np.bool_)
    asked[questions.asked] = True
    rows = zip(
        clicks.users.tolist(), clicks.items.tolist(), clicks.times_ms.tolist(), asked.tolist(), strict=True
    )  # fmt: skip
    for number, (user, item, time_ms, question) in enumerate(rows):
        if question:
            found.users.append(user)
            found.lists.append(ranking.rank(user, time_ms, k))
            found.relevant.append({item})
            found.reachable += ranking.knows(item)
        ranking.learn(user, item, time_ms)
        if number % 1000 == 0:
            tell(number)
    return found


def ask_after_all(
    ranking: ClickRanking, questions: Questions, k: int, time_ms: int, tell: Callable[[int], None]
) -> Lists:
    """The lists of a ranking that has learned everything, for all users at one time."""
    clicks, found = questions.clicks, Lists()
    rows = zip(clicks.users.tolist(), clicks.items.tolist(), clicks.times_ms.tolist(), strict=True)
    for number, (user, item, clicked_ms) in enumerate(rows):
        ranking.learn(user, item, clicked_ms)
        if number % 1000 == 0:
            tell(number)
    for user, relevant in questions.relevant.items():
        found.users.append(user)
        found.lists.append(ranking.rank(user, time_ms, k))
        found.relevant.append(relevant)
        found.reachable += sum(ranking.knows(item) for item in relevant)
    return found


def _drawn(values: npt.NDArray[Any], most: int, seed: int) -> npt.NDArray[Any]:
    if values.size <= most:
        return values
    return np.sort(np.random.default_rng(seed).choice(values, most, replace=False))
