"""The rankings by name, as commands and requests call them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.errors import ParameterError
from models.recommend.blend import BlendRanking
from models.recommend.clusters import ClusterRanking, SegmentRanking
from models.recommend.covisits import CoVisitRanking
from models.recommend.popular import PopularStatic, PopularWindow, RandomRanking
from models.recommend.ranking import DAY_MS, HOUR_MS, MINUTE_MS, ClickRanking
from models.recommend.vectors import ExactRanking


@dataclass(frozen=True)
class Entry:
    """A ranking, and one line of what it does."""

    make: Callable[..., ClickRanking]
    help: str


RANKINGS = {
    "random": Entry(RandomRanking, "every known item has the same chance; a control"),
    "popular-static": Entry(PopularStatic, "most clicked in the training period; the original's baseline"),
    "popular-window": Entry(PopularWindow, "most clicked in the last 10 minutes, or as given: popular-window:1h"),
    "clusters": Entry(ClusterRanking, "10 clusters of items, the nearest first, most clicked inside; the original"),
    "segment-popular": Entry(SegmentRanking, "most clicked by the 10th of the users one is in; the original's failure"),
    "exact": Entry(ExactRanking, "all items by the cosine with the user's vector"),
    "covisit": Entry(CoVisitRanking, "what is read behind the last 3 reads, and what is popular within the hour"),
    "blend": Entry(BlendRanking, "recency, co-visits, the user's vector and the time of day, weighed online; default"),
}
DEFAULT = "blend"

_UNITS_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def make_ranking(name: str, **parameters: Any) -> ClickRanking:
    """A fresh ranking by its name; ``popular-window`` may carry its window: ``popular-window:30m``.

    Raises
    ------
    ParameterError
        There is no such ranking, or a parameter is out of its range.
    """
    base, window_ms = check_name(name)
    if window_ms is not None:
        parameters["window_ms"] = window_ms
    return RANKINGS[base].make(**parameters)


def check_name(name: str) -> tuple[str, int | None]:
    """The ranking a name means, and the window it carries.

    Raises
    ------
    ParameterError
        There is no such ranking, or it has no window.
    """
    base, separator, window = name.partition(":")
    if base not in RANKINGS:
        raise ParameterError(f"there is no ranking {name!r}; there are {', '.join(RANKINGS)}")
    if not separator:
        return base, None
    match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", window)
    if base != "popular-window" or match is None:
        raise ParameterError(f"only popular-window takes a window, like popular-window:30m (m, h or d), got {name!r}")
    return base, int(match[1]) * _UNITS_MS[match[2]]
