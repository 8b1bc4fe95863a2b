"""A made-up media site: articles are published and updated, lists are shown to readers, who click, and follow others.

Its numbers are those that were measured on recorded sites: lists and their click-through rates on the MIND news
recommendation set (lists with a click, for it keeps no others), ages of what is clicked, concentration, readers and the
rhythm of a day on the clicks of Globo.com. What no set tells is made up: which categories a reader likes, and that a
reader clicks what fits more often. So nothing measured on this feed says anything about people.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from feeds.media_texts import CATEGORIES, LANGUAGES, title_and_text
from feeds.records import Outgoing, event_time, to_json

Floats = npt.NDArray[np.float64]

ARTICLES, REQUESTS, LISTS, CLICKS, FOLLOWS = (
    f"media-{what}" for what in ("articles", "requests", "lists", "clicks", "follows")
)
TOPICS: Final = (ARTICLES, REQUESTS, LISTS, CLICKS, FOLLOWS)
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

#: Length of a list by its quantile; the lists with a click, which are longer, then have 4, 10, 24, 52 and 93 items at
#: 10, 25, 50, 75 and 90 %, and 37.9 on average (MIND).
LENGTHS: Final = ((0.0, 2), (0.1, 3), (0.25, 5), (0.5, 13), (0.75, 29), (0.9, 56), (1.0, 140))
#: Clicks to be expected of a list by its length, those without a click included: so many that lists with a click have
#: the rates of MIND, 0.331, 0.115, 0.053, 0.029 and 0.019 a shown item for 2-5, 6-15, 16-40, 41-100 and more.
EXPECTED_CLICKS: Final = ((2.0, 0.22), (3.5, 0.31), (10.0, 0.32), (26.0, 0.68), (64.0, 1.5), (135.0, 2.7))
#: Of the age by which lists are made, lognormal. A list has each item once, so older ones come in: what is clicked has
#: 3.7, 9.5, 23.8, 54.5 and 106 h at 10, 25, 50, 75 and 90 % (Globo.com).
AGE_MEDIAN_H, AGE_SIGMA = 9.5, 1.35
#: Clicks of readers: median 4, 90 % quantile 21 (Globo.com).
ACTIVITY_SIGMA: Final = 1.3
#: Spread of the logarithm of an article's appeal, cut off above: the top 1 % of items have most of the clicks.
APPEAL_SIGMA, APPEAL_CUT = 2.6, 2.4
#: Lists of a visit on average: 2.85 clicks of 1.51 a list with any (Globo.com, MIND), and those without.
LISTS_A_VISIT: Final = 2.4
#: Share of a day's reading in each hour: 6.5 % by day, 0.5 % at night (Globo.com).
_HOURS: Final = (1.5, 0.8, 0.5, 0.5, 0.5, 0.6, 1.4, 3.0, 5.0, *(6.5,) * 12, 4.5, 2.7, 2.0)
RHYTHM: Floats = np.array(_HOURS) / np.mean(_HOURS)
#: How often readers' tastes and the news' fashions are looked at, and the share of updated articles.
REFRESH_MS, UPDATED = 5 * MINUTE_MS, 0.15
BACKLOG_DAYS: Final = 20

#: What shows a list: the request's id, its reader, how many are wanted, and the time; None: the site shows its own.
Shown = Callable[[str, int, int, int], Sequence[int] | None]


@dataclass(frozen=True)
class Site:
    """How large the site is.

    Attributes
    ----------
    seed
        The same seed, the same site.
    users
        Readers, numbered from 1.
    articles_a_day
        On average.
    rate
        Lists a second of event time, on average over a day.
    drift_days
        Event time after which a reader's taste is another one, on average.
    japanese
        Share of articles in Japanese; the others are in English.
    wanted
        Length of a list; 0: as measured.
    shown_after_ms
        Event time from the wish to the list, within which others may make it.
    """

    seed: int = 1
    users: int = 5_000
    articles_a_day: float = 300.0
    rate: float = 2.0
    drift_days: float = 10.0
    japanese: float = 0.5
    wanted: int = 0
    shown_after_ms: int = 400


@dataclass
class _Articles:
    """Articles by their place; ids are places from 1."""

    published_ms: list[int] = field(default_factory=list)
    category: list[int] = field(default_factory=list)
    appeal: list[float] = field(default_factory=list)


class MediaSite:
    """The events of a site in the order of time.

    Parameters
    ----------
    site
        Its size.
    start_ms
        Event time of the beginning, milliseconds since 1970. Articles of twenty days before are there already.
    shown
        Who makes the lists; by default the site: what is new and has appeal, to everybody alike.
    """

    def __init__(self, site: Site, start_ms: int, shown: Shown = lambda *_: None) -> None:
        self._site, self._start_ms, self._shown = site, start_ms, shown
        self._luck, self._numbers = random.Random(site.seed), np.random.default_rng(site.seed)
        self._articles = _Articles()
        activity = np.exp(self._numbers.normal(0.0, ACTIVITY_SIGMA, site.users))
        self._activity = np.cumsum(activity / activity.sum())
        self._tastes = self._numbers.dirichlet(np.full(len(CATEGORIES), 0.3), site.users) * len(CATEGORIES)
        self._fashion = np.zeros(len(CATEGORIES))
        self._listing: Floats = np.empty(0)
        self._fit: Floats = np.empty(0)
        self._requests = itertools.count(1)
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, Callable[[int], Iterator[tuple[str, int, dict[str, Any]]]]]] = []

    def events(self) -> Iterator[tuple[int, str, int, dict[str, Any]]]:
        """Time, topic, key and record of each event, without end; the articles of before come first."""
        start = self._start_ms
        backlog = round(BACKLOG_DAYS * self._site.articles_a_day)
        ages = np.sort(self._numbers.random(backlog))[::-1] * BACKLOG_DAYS * DAY_MS
        for age in ages.tolist():
            published = start - round(age)
            yield start, ARTICLES, len(self._articles.appeal) + 1, self._new_article(start, published)
        self._at(start, self._refresh)
        self._at(start + 1, self._publish)
        self._at(start + 2, self._visit)
        self._at(start + 3, self._follow)
        while True:
            at, _, act = heapq.heappop(self._waiting)
            for topic, key, record in act(at):
                yield at, topic, key, record

    # ---------------------------------------------------------------- what happens

    def _publish(self, now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
        self._again(now, self._site.articles_a_day / DAY_MS, self._publish)
        item = len(self._articles.appeal) + 1
        yield ARTICLES, item, self._new_article(now, now)
        if self._luck.random() < UPDATED:
            later = now + round(self._luck.expovariate(1 / (3 * HOUR_MS)))
            self._at(later, lambda at: iter([(ARTICLES, item, self._article(item, at, 2))]))

    def _visit(self, now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """A reader comes, and looks at a list; more of them follow within minutes."""
        self._again(now, self._site.rate / 1000 / LISTS_A_VISIT, self._visit)
        user = int(np.searchsorted(self._activity, self._luck.random())) + 1
        yield self._asks(user, now)
        at = now
        while self._luck.random() < 1 - 1 / LISTS_A_VISIT:
            at += round(self._luck.lognormvariate(math.log(60_000), 0.8))
            self._at(at, lambda moment: iter([self._asks(user, moment)]))

    def _asks(self, user: int, now: int) -> tuple[str, int, dict[str, Any]]:
        request = f"r{next(self._requests)}"
        wanted = self._site.wanted or self._length()
        self._at(now + self._site.shown_after_ms, lambda at: self._list(request, user, wanted, at))
        return REQUESTS, user, {"request_id": request, "event_time": event_time(now), "user_id": user, "wanted": wanted}

    def _list(self, request: str, user: int, wanted: int, now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
        given = self._shown(request, user, wanted, now)
        items = self._own_list(wanted) if given is None else [item for item in given if item in self]
        by = "site" if given is None else "answer"
        at = event_time(now)
        yield LISTS, user, {"request_id": request, "event_time": at, "user_id": user, "items": items, "made_by": by}
        for position, item in self._clicked(user, items):
            later = now + round(self._luck.lognormvariate(math.log(15_000), 1.0))
            record = {
                "event_time": event_time(later), "user_id": user, "item_id": item, "request_id": request,
                "position": position,
            }  # fmt: skip
            self._at(later, partial(_only, CLICKS, user, record))

    def _follow(self, now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """A reader follows another one, of the like taste rather; one in ten times ends it."""
        self._again(now, self._site.rate / 1000 / 50, self._follow)
        user = int(np.searchsorted(self._activity, self._luck.random()))
        others = self._numbers.integers(0, self._site.users, 8)
        best = int(others[np.argmax(self._tastes[others] @ self._tastes[user])])
        if best != user:
            yield FOLLOWS, user + 1, {
                "event_time": event_time(now), "user_id": user + 1, "followed_id": best + 1,
                "follows": self._luck.random() >= 0.1,
            }  # fmt: skip

    def _refresh(self, now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Fashions and tastes move, articles age."""
        self._at(now + REFRESH_MS, self._refresh)
        self._fashion = 0.99 * self._fashion + self._numbers.normal(0.0, 0.08, self._fashion.size)
        drifted = np.flatnonzero(self._numbers.random(self._site.users) < REFRESH_MS / DAY_MS / self._site.drift_days)
        if drifted.size:
            alpha = np.full(len(CATEGORIES), 0.3)
            self._tastes[drifted] = self._numbers.dirichlet(alpha, drifted.size) * len(CATEGORIES)
        articles = self._articles
        ages_h = np.maximum(now - np.array(articles.published_ms), MINUTE_MS) / HOUR_MS
        fresh = np.exp(-0.5 * (np.log(ages_h / AGE_MEDIAN_H) / AGE_SIGMA) ** 2) / ages_h
        appeal = np.array(articles.appeal)
        fashion = np.exp(self._fashion)[np.array(articles.category)]
        weights = fresh * appeal * fashion
        self._listing = np.cumsum(weights)
        self._fit = appeal**0.25 * fashion
        self._fit /= float((weights * self._fit).sum() / weights.sum())
        return iter(())

    # ---------------------------------------------------------------- lists and clicks

    def __contains__(self, item: int) -> bool:
        return 0 < item <= len(self._articles.appeal)

    def _length(self) -> int:
        quantiles, lengths = zip(*LENGTHS, strict=True)
        return round(float(np.interp(self._luck.random(), quantiles, lengths)))

    def _own_list(self, wanted: int) -> list[int]:
        total = float(self._listing[-1])
        found: dict[int, None] = {}
        for _ in range(6):
            places = np.searchsorted(self._listing, self._numbers.random(2 * wanted + 4) * total)
            found.update(dict.fromkeys((places + 1).tolist()))
            if len(found) >= wanted:
                break
        return list(found)[:wanted]

    def _clicked(self, user: int, items: Sequence[int]) -> list[tuple[int, int]]:
        """Position, from 1, and item of each click on a list."""
        if not items:
            return []
        places = np.array(items) - 1
        known = np.minimum(places, self._fit.size - 1)
        liked = self._tastes[user - 1][np.array([self._articles.category[place] for place in places.tolist()])]
        bias = (1.0 + np.arange(places.size)) ** -0.3
        lengths, expected = zip(*EXPECTED_CLICKS, strict=True)
        each = float(np.interp(places.size, lengths, expected)) / places.size
        chance = np.minimum(0.9, each * bias / bias.mean() * (0.25 + 0.75 * liked) * self._fit[known])
        hits = np.flatnonzero(self._numbers.random(places.size) < chance)
        return [(int(k) + 1, int(items[k])) for k in hits.tolist()]

    # ---------------------------------------------------------------- articles

    def _new_article(self, now: int, published: int) -> dict[str, Any]:
        luck, articles = self._luck, self._articles
        articles.published_ms.append(published)
        articles.category.append(luck.randrange(len(CATEGORIES)))
        articles.appeal.append(math.exp(APPEAL_SIGMA * min(luck.gauss(0.0, 1.0), APPEAL_CUT)))
        return self._article(len(articles.appeal), now, 1)

    def _article(self, item: int, now: int, revision: int) -> dict[str, Any]:
        # words of its own source of chance, so that an update is the same text and some more
        words = random.Random(self._site.seed * 1_000_003 + item)
        category = CATEGORIES[self._articles.category[item - 1]]
        language = LANGUAGES[words.random() < self._site.japanese]
        title, text = title_and_text(category, language, words.randint(4, 9) + 3 * (revision - 1), words)
        return {
            "item_id": item, "event_time": event_time(now),
            "published": event_time(self._articles.published_ms[item - 1]), "revision": revision, "language": language,
            "category": category, "title": title, "text": text,
        }  # fmt: skip

    # ---------------------------------------------------------------- time

    def _at(self, moment: int, act: Callable[[int], Iterator[tuple[str, int, dict[str, Any]]]]) -> None:
        heapq.heappush(self._waiting, (moment, next(self._order), act))

    def _again(self, now: int, a_millisecond: float, act: Callable[[int], Any]) -> None:
        """Once more after a time drawn by the rhythm of the day, by thinning."""
        highest, at = float(RHYTHM.max()), float(now)
        while True:
            at += self._luck.expovariate(a_millisecond * highest)
            if self._luck.random() * highest < RHYTHM[int(at) // HOUR_MS % 24]:
                break
        self._at(max(now + 1, round(at)), act)


def _only(topic: str, key: int, record: dict[str, Any], now: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """One event, known beforehand."""
    yield topic, key, record


def records(site: MediaSite, start_ms: int, speed: float, *, until_ms: int | None = None) -> Iterator[Outgoing]:
    """Events as records, each when it is due.

    Parameters
    ----------
    site
        Whose events.
    start_ms
        Event time of the beginning.
    speed
        Times the site's own pace; 0: at once.
    until_ms
        Event time of the end; None: without end.
    """
    for at, topic, key, record in site.events():
        if until_ms is not None and at >= until_ms:
            return
        due = (at - start_ms) / 1000 / speed if speed else None
        yield Outgoing(topic, str(key).encode(), to_json(record), due)
