"""An A/B test of rankings, counted from the topics: who was shown whose lists, and what they clicked.

The unit is the reader. A list counts for the ranking that made it; lists the site made itself, because no answer came
in time, are counted and belong to nobody. A click counts where its list was shown.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.stack.kafka_read import reader
from models.experiments import (
    Comparison,
    SampleRatio,
    Sequential,
    Totals,
    compare,
    minimum_detectable_effect,
    sample_ratio,
    sequential,
)

ANSWERS, LISTS, CLICKS = "recommender-answers", "media-lists", "media-clicks"
#: Standard deviation of the mixture of the sequential test, in units of the click-through rate: fixed beforehand.
SCALE: Final = 0.01

Row = Mapping[str, Any]


@dataclass
class Seen:
    """What a reader saw and did on one day, or on all."""

    lists: int = 0
    items: int = 0
    clicks: int = 0


@dataclass
class Exposures:
    """What the topics say of an experiment.

    Attributes
    ----------
    by_user
        Variant, then reader, then day: what was seen. Readers who were shown lists of two variants are left out.
    jumped
        How many these are.
    outside
        Readers whose lists had no variant assigned: they take no part.
    unassigned
        Lists that no ranking made.
    stray_clicks
        Clicks on what was not in their list, or on a list that nobody knows.
    """

    by_user: dict[str, dict[int, dict[str, Seen]]] = field(default_factory=dict)
    jumped: int = 0
    outside: int = 0
    unassigned: int = 0
    stray_clicks: int = 0

    @property
    def days(self) -> list[str]:
        """Days with lists, in order."""
        return sorted({day for users in self.by_user.values() for days in users.values() for day in days})

    def totals(self, variant: str, of: str, until: str | None = None, only: str | None = None) -> Totals:
        """The sums over the readers of a variant; `of` is ``ctr``, or ``left`` (no click at all)."""
        above, below = [], []
        for days in self.by_user[variant].values():
            seen = [each for day, each in days.items() if (until is None or day <= until) and only in (None, day)]
            if not seen:
                continue
            clicks, items = sum(each.clicks for each in seen), sum(each.items for each in seen)
            above.append(clicks if of == "ctr" else float(clicks == 0))
            below.append(items if of == "ctr" else 1.0)
        return Totals.of(np.array(above), np.array(below))


@dataclass(frozen=True)
class Look:
    """The comparison as of the end of a day, of all days so far."""

    day: str
    compared: Comparison
    always_valid: Sequential


@dataclass(frozen=True)
class Report:
    """An A/B test of two variants.

    Attributes
    ----------
    control, treatment
        Their names.
    users
        Readers by variant.
    ratio
        The check of the sample ratio, to be read first.
    ctr, left
        Clicks by shown item, and the share of readers who left without a click.
    looks
        The click-through rate day by day, to be looked at daily.
    detectable
        The smallest difference of the rate that as many readers would show four times in five.
    exposures
        What it was counted from.
    """

    control: str
    treatment: str
    users: dict[str, int]
    ratio: SampleRatio
    ctr: Comparison
    left: Comparison
    looks: tuple[Look, ...]
    detectable: float
    exposures: Exposures

    def as_object(self) -> dict[str, Any]:
        """As JSON has it."""
        seen = self.exposures
        return {
            "control": self.control, "treatment": self.treatment, "users": self.users,
            "sample_ratio": self.ratio._asdict(), "ctr": self.ctr._asdict(),
            "left_without_a_click": self.left._asdict(),
            "always_valid": self.looks[-1].always_valid._asdict() if self.looks else None,
            "minimum_detectable_effect": self.detectable, "days": seen.days, "jumped_users": seen.jumped,
            "users_without_variant": seen.outside,
            "unassigned_lists": seen.unassigned, "stray_clicks": seen.stray_clicks,
            "by_day": [
                {"day": day, "variant": variant, "users": one.users, "ctr": one.ratio if one.denominator else None}
                for day in seen.days
                for variant in (self.control, self.treatment)
                for one in (seen.totals(variant, "ctr", only=day),)
            ],
        }  # fmt: skip


def exposures_of(answers: Iterable[Row], lists: Iterable[Row], clicks: Iterable[Row]) -> Exposures:
    """Put together what was answered, shown and clicked.

    Parameters
    ----------
    answers
        ``request_id`` and ``ranking``; one that is there twice is the same. With a ``variant`` that is None, its user
        takes no part.
    lists
        ``request_id``, ``user_id``, ``event_time``, ``items`` and ``made_by``.
    clicks
        ``request_id`` and ``item_id``; the same item of a list counts once.
    """
    ranking = {row["request_id"]: row["ranking"] if row.get("variant", "") is not None else None for row in answers}
    clicked: dict[str, set[int]] = defaultdict(set)
    for row in clicks:
        clicked[row["request_id"]].add(row["item_id"])
    found = Exposures()
    variants: dict[int, set[str]] = defaultdict(set)
    outside: set[int] = set()
    seen: dict[int, dict[str, Seen]] = defaultdict(lambda: defaultdict(Seen))
    known = 0
    for row in lists:
        items = set(row["items"])
        hits = len(clicked.get(row["request_id"], set()) & items)
        known += hits
        if row.get("made_by") != "answer" or row["request_id"] not in ranking:
            found.unassigned += 1
            continue
        user, variant = row["user_id"], ranking[row["request_id"]]
        if variant is None:
            outside.add(user)
            continue
        variants[user].add(variant)
        day = seen[user][row["event_time"][:10]]
        day.lists, day.items, day.clicks = day.lists + 1, day.items + len(items), day.clicks + hits
    found.stray_clicks = sum(map(len, clicked.values())) - known
    found.outside = len(outside)
    for user, names in variants.items():
        if len(names) > 1:
            found.jumped += 1
            continue
        found.by_user.setdefault(next(iter(names)), {})[user] = dict(seen[user])
    return found


def report_of(
    exposures: Exposures, control: str, treatment: str, shares: Mapping[str, float] | None = None, scale: float = SCALE
) -> Report:
    """Compare two variants.

    Parameters
    ----------
    exposures
        What was counted.
    control, treatment
        Names of the variants.
    shares
        How readers were to be shared out; equally by default.
    scale
        Of the sequential test; fix it before the first look.

    Raises
    ------
    UsageError
        A variant has fewer than two readers.
    """
    for name in (control, treatment):
        if len(exposures.by_user.get(name, {})) < 2:
            there = ", ".join(sorted(exposures.by_user)) or "none"
            raise UsageError(f"{name} has fewer than two readers with a list; variants with some: {there}")
    pair = (control, treatment)
    users = {name: len(exposures.by_user[name]) for name in pair}
    looks: list[Look] = []
    for day in exposures.days:
        one, other = (exposures.totals(name, "ctr", until=day) for name in pair)
        if min(one.users, other.users) < 2 or min(one.denominator, other.denominator) == 0:
            continue
        compared = compare(one, other)
        earlier = looks[-1].always_valid.p_value if looks else 1.0
        looks.append(Look(day, compared, sequential(compared, scale, earlier=earlier)))
    base, treated = (exposures.totals(name, "ctr") for name in pair)
    stayed, left = (exposures.totals(name, "left") for name in pair)
    return Report(
        control, treatment, users,
        sample_ratio(users, {name: (shares or {}).get(name, 1.0) for name in pair}),
        compare(base, treated),
        compare(stayed, left),
        tuple(looks),
        minimum_detectable_effect(base + treated, users[control], users[treatment]),
        exposures,
    )  # fmt: skip


def read_exposures(settings: Settings) -> Exposures:
    """Count the topics as they are now.

    Raises
    ------
    UsageError
        There is no such topic.
    StackError
        No broker answers.
    """

    def rows(topic: str) -> list[Row]:
        with reader(settings, topic) as records:
            return [json.loads(record.value) for record in records.all() if record.value]

    return exposures_of(rows(ANSWERS), rows(LISTS), rows(CLICKS))


def variants_of(exposures: Exposures) -> list[str]:
    """Variants with readers, those with most first."""
    sizes = Counter({name: len(users) for name, users in exposures.by_user.items()})
    return [name for name, _ in sizes.most_common()]
