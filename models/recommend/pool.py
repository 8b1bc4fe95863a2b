"""Rankings as a pool: a slot holds some rankings that learn the same clicks, and rows that ask, click, or do both."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.arguments import check_width, integers_of_rows
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.recommend.ranking import LONGEST_LIST, ClickRanking
from models.recommend.registry import make_ranking
from models.snapshot_frame import SnapshotFrame

Longs = npt.NDArray[np.int64]

#: Places of the columns of a row.
USER, ITEM, WANTED, RANKING = range(4)
#: Ids travel as float64 with the other columns; up to here each is exact.
LARGEST_ID = 1 << 53


class Spec(NamedTuple):
    """A ranking of a slot: its name, and what it is told beside what all are told."""

    name: str
    own: dict[str, int]


class RankingsPool:
    """Rankings that are learned from clicks and asked for lists, in the order of the rows.

    Parameters
    ----------
    rankings
        Names as `models.recommend.make_ranking` takes them, each once; the first one answers where a row names none.
    own
        Parameters of single rankings by the first part of their names: ``{"popular-static": {"until_ms": ...}}``.
    common
        Parameters all of them have: ``seed``, ``last``, ``exclude_read``, ``frequency_cap``, ``cap_ms``, ``items``,
        ``users``.

    Notes
    -----
    Columns of a row are the user's id, the id of the item that was clicked (NaN: none), how many items are wanted
    (NaN or 0: none) and the number of the ranking that is asked (NaN: the first). A row that does both is answered
    first and learned then: test, then train. With a frequency cap a list counts as shown when it is given.

    Results a row: ``items``, an object array of int64 arrays, empty where nothing was wanted or known; ``asked``, the
    number of the ranking that answered, -1 for none; ``fallback``, whether it had to be filled up.

    Memory and cost are those of all its rankings together: every one of them learns every click.
    """

    def __init__(self, rankings: Sequence[str], own: dict[str, dict[str, int]] | None = None, **common: Any) -> None:
        if not rankings or len(set(rankings)) != len(rankings):
            raise ParameterError(f"rankings must be names, each once, at least one, got {list(rankings)}")
        given = own or {}
        self._specs = [Spec(name, given.get(name.partition(":")[0], {})) for name in rankings]
        self._common = common
        self._slots: dict[int, list[ClickRanking]] = {}
        self._next = 0
        self._fresh()  # a wrong parameter is told here

    @property
    def names(self) -> tuple[str, ...]:
        """The rankings, by their numbers."""
        return tuple(spec.name for spec in self._specs)

    def _fresh(self) -> list[ClickRanking]:
        return [make_ranking(spec.name, **spec.own, **self._common) for spec in self._specs]

    def open(self) -> int:
        """Fresh rankings; their slot."""
        return self._place(self._fresh())

    def close(self, slot: int) -> None:
        """Forget the rankings of a slot."""
        self._of(slot)
        del self._slots[slot]

    def rankings(self, slot: int) -> tuple[ClickRanking, ...]:
        """The rankings of a slot, by their numbers."""
        return tuple(self._of(slot))

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays of all of them; ids take some 120 each besides."""
        return sum(each.nbytes for held in self._slots.values() for each in held)

    def process(
        self, slots: npt.NDArray[np.int32], times_ms: npt.NDArray[np.int64], columns: npt.NDArray[np.float64]
    ) -> dict[str, npt.NDArray[Any]]:
        """Answer and learn each row.

        Raises
        ------
        InputError
            Wrong shapes, an id that is no whole number within 2**53 of zero, or a ranking or length there is not;
            nothing was changed.
        """
        values = np.asarray(columns, np.float64)
        check_width(values, 4)
        n = values.shape[0]
        places, times = integers_of_rows("slots", slots, n).tolist(), np.asarray(times_ms).tolist()
        held = {place: self._of(place) for place in set(places)}
        wrong = np.flatnonzero(~rows_that_fit(values, len(self._specs)))
        if wrong.size:
            raise InputError(f"row {wrong[0]} has no user, clicks and asks nothing, or names what there is not")
        users, items, wanted, asked = _as_integers(values)
        lists = np.empty(n, object)
        fallback = np.zeros(n, np.bool_)
        rows = zip(places, times, users, items, wanted, asked, strict=True)
        for row, (place, time_ms, user, item, most, number) in enumerate(rows):
            rankings = held[place]
            if number >= 0:
                ranking = rankings[number]
                before = ranking.fallbacks
                found = ranking.rank(user, time_ms, most)
                fallback[row] = ranking.fallbacks > before
                ranking.show(user, found, time_ms)
                lists[row] = found
            else:
                lists[row] = _NOTHING
            if item is not None:
                for each in rankings:
                    each.learn(user, item, time_ms)
        return {"items": lists, "asked": np.array(asked, np.int64), "fallback": fallback}

    # ---------------------------------------------------------------- snapshots
    def dump(self, slot: int) -> bytes:
        """The whole state of all rankings of a slot: equal state, equal bytes."""
        parts = [each.dump() for each in self._of(slot)]
        described = {"rankings": list(self.names), "sizes": [len(part) for part in parts]}
        return self._frame().write((len(parts),), [json.dumps(described).encode(), b"".join(parts)])

    def load(self, data: bytes) -> int:
        """A slot that continues where `dump` left off, or a SnapshotError that says why not."""
        _, parts = self._frame().read(data)
        described, whole = json.loads(parts["rankings"]), parts["states"]
        if described["rankings"] != list(self.names):
            raise SnapshotError(f"the snapshot is of {described['rankings']}, these are {list(self.names)}")
        states, at = [], 0
        for size in described["sizes"]:
            states.append(whole[at : at + size])
            at += size
        held = []
        for fresh, state in zip(self._fresh(), states, strict=True):
            made = type(fresh).load(state)
            if made.parameters != fresh.parameters:
                raise SnapshotError(f"the snapshot's {fresh.kind} has {made.parameters}, this has {fresh.parameters}")
            held.append(made)
        return self._place(held)

    @staticmethod
    def _frame() -> SnapshotFrame:
        return SnapshotFrame("rankings", struct.Struct("<I"), ("rankings", "states"))

    def _of(self, slot: int) -> list[ClickRanking]:
        if slot not in self._slots:
            raise ModelError(f"slot {slot} is not open")
        return self._slots[slot]

    def _place(self, rankings: list[ClickRanking]) -> int:
        slot, self._next = self._next, self._next + 1
        self._slots[slot] = rankings
        return slot


_NOTHING: Longs = np.empty(0, np.int64)
_NOTHING.flags.writeable = False


def rows_that_fit(values: npt.NDArray[np.float64], rankings: int) -> npt.NDArray[np.bool_]:
    """Which rows (n, 4) can be taken.

    Ids are whole numbers within 2**53 of zero, the user's always there; 1 to 1,000 items are wanted of one of so many
    rankings, or none; and the row does one of the two at least.
    """
    user, item, wanted, ranking = values[:, USER], values[:, ITEM], values[:, WANTED], values[:, RANKING]
    clicks, asks = ~np.isnan(item), np.nan_to_num(wanted) != 0.0
    in_order = ~asks | (_whole(wanted, 1, LONGEST_LIST) & _whole(np.nan_to_num(ranking), 0, rankings - 1))
    known = _whole(user, -LARGEST_ID, LARGEST_ID) & (~clicks | _whole(item, -LARGEST_ID, LARGEST_ID))
    result: npt.NDArray[np.bool_] = known & in_order & (clicks | asks)
    return result


def _whole(values: npt.NDArray[np.float64], low: int, high: int) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        result: npt.NDArray[np.bool_] = (values >= low) & (values <= high) & (np.floor(values) == values)
    return result


def _as_integers(values: npt.NDArray[np.float64]) -> tuple[list[int], list[int | None], list[int], list[int]]:
    """Users, items (None: no click), lengths and numbers of rankings (-1: none is asked) of rows that fit."""
    clicks = ~np.isnan(values[:, ITEM])
    wanted, ranking = np.nan_to_num(values[:, WANTED]), np.nan_to_num(values[:, RANKING])
    whole = np.where(clicks, values[:, ITEM], 0.0).astype(np.int64).tolist()
    items = [each if there else None for each, there in zip(whole, clicks.tolist(), strict=True)]
    asked = np.where(wanted != 0.0, ranking, -1.0).astype(np.int64).tolist()
    return values[:, USER].astype(np.int64).tolist(), items, wanted.astype(np.int64).tolist(), asked
