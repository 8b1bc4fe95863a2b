"""What all rankings have in common: who read what, the filter of what is read, the frequency cap, the fallback."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from models.arguments import whole_number
from models.errors import ParameterError, SnapshotError
from models.recommend import kernels
from models.recommend.columns import Column, Columns
from models.recommend.identifiers import LARGEST_CAPACITY, Places
from models.snapshot_frame import SnapshotFrame

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
#: Half-lives of the fading counts that every ranking keeps of each item.
HALF_LIVES_MS: Floats = np.array(
    [2.5 * MINUTE_MS, 10.0 * MINUTE_MS, float(HOUR_MS), 6.0 * HOUR_MS, float(DAY_MS), 7.0 * DAY_MS]
)
#: The count a list is filled up with where a ranking has not enough of its own: that of one hour.
FALLBACK = 2
#: Lists of a user that a frequency cap looks back on: items of them all together.
SHOWN_ITEMS = 128
LONGEST_LIST = 1000


class Ranking(Protocol):
    """A way to rank items for a user, fed by clicks in the order of their times.

    `rank` comes before `learn` of the click it wants to tell; it changes nothing but the counters. What a ranking
    gives is a function of its seed and of the calls of `learn` and `show` before. State is bounded.
    """

    @property
    def fallbacks(self) -> int:
        """Lists that had to be filled up with what is popular, since this object was made."""
        ...

    def rank(self, user: int, time_ms: int, k: int) -> Longs:
        """Ids of the k best items at a time, best first; fewer where fewer are known."""
        ...

    def learn(self, user: int, item: int, time_ms: int) -> None:
        """Learn a click."""
        ...

    def show(self, user: int, items: Longs, time_ms: int) -> None:
        """Tell that a list was shown, for the frequency cap."""
        ...

    def dump(self) -> bytes:
        """The whole state."""
        ...


class ClickRanking:
    """Base of the rankings: users, items, reads and fading counts; a ranking adds its scores.

    Parameters
    ----------
    seed
        Breaks ties, and draws whatever is random.
    last
        Distinct items of a user that are kept, newest first, 1 to 1,000. They are what "read" means.
    exclude_read
        Whether what a user has read is left out of the lists.
    frequency_cap
        An item that was shown to a user so many times within `cap_ms`, as told by `show`, is left out; 0: no cap.
    cap_ms
        Milliseconds the cap looks back.
    items, users
        How many are known at most, 16 to 16,777,216; beyond that those not seen for longest are forgotten.

    Notes
    -----
    Memory: ``4 * last`` bytes a user and 64 an item, and some 120 for each of their ids; with a cap 1.5 KB more a user.
    Times that go back count as the largest time so far. Ids are any integers of 64 bits. For one thread at a time.
    """

    kind: ClassVar[str]

    def __init__(
        self, *, seed: int = 0, last: int = 30, exclude_read: bool = True, frequency_cap: int = 0,
        cap_ms: int = DAY_MS, items: int = 65_536, users: int = 524_288, **own: Any,
    ) -> None:  # fmt: skip
        self.seed = whole_number("seed", seed, 0, (1 << 63) - 1)
        self.last = whole_number("last", last, 1, 1000)
        self.exclude_read = bool(exclude_read)
        self.frequency_cap = whole_number("frequency_cap", frequency_cap, 0, SHOWN_ITEMS)
        self.cap_ms = whole_number("cap_ms", cap_ms, 1, 365 * DAY_MS)
        self._parameters: dict[str, Any] = {
            "seed": self.seed, "last": self.last, "exclude_read": self.exclude_read,
            "frequency_cap": self.frequency_cap, "cap_ms": self.cap_ms,
            "items": whole_number("items", items, 16, LARGEST_CAPACITY),
            "users": whole_number("users", users, 16, LARGEST_CAPACITY), **own,
        }  # fmt: skip
        self.fallbacks = 0
        self.lists = 0
        self._now = 0
        self._items, self._users = Places("items", items), Places("users", users)
        self._by_item = Columns(
            rates=Column("f8", 0, (HALF_LIVES_MS.size,)), seen_ms=Column("i8", 0), first_ms=Column("i8", 0)
        )
        self._by_user = Columns(reads=Column("i4", -1, (self.last,), places=True))
        self._shown = Columns(
            shown=Column("i4", -1, (SHOWN_ITEMS,), places=True), shown_ms=Column("i8", 0, (SHOWN_ITEMS,))
        )
        self._nobody: Ints = np.full(self.last, -1, np.int32)
        self._none: Longs = np.empty(0, np.int64)
        self._all: Longs = np.empty(0, np.int64)
        kernels.compile_all()

    # ---------------------------------------------------------------- the interface
    def learn(self, user: int, item: int, time_ms: int) -> None:
        """Learn that a user clicked an item. Cost: microseconds; now and then what places or tables need."""
        self._now = now = max(self._now, time_ms)
        if self._items.find(item) < 0 and self._items.full():
            self._forget_items(self._items.free_oldest())
        if self._users.find(user) < 0 and self._users.full():
            self._forget_users(self._users.free_oldest())
        known = self._users.find(user)
        before = int(self._users.last_ms[known]) if known >= 0 else -1
        place, fresh = self._users.take(user, now), self._items.find(item) < 0
        clicked = self._items.take(item, now)
        self._reach(self._items.used, self._users.used)
        if fresh:
            self._by_item["first_ms"][clicked] = now
        reads = self._by_user["reads"]
        self._learn(place, clicked, reads[place], before, now)
        kernels.count_click(self._by_item["rates"], self._by_item["seen_ms"], clicked, now, HALF_LIVES_MS)
        kernels.read(reads, place, clicked)

    def rank(self, user: int, time_ms: int, k: int) -> Longs:
        """Ids of the k best items for a user, best first; fewer where fewer are known, none before any click.

        Parameters
        ----------
        user
            Id; one never seen is a user without history.
        time_ms
            Milliseconds since 1970 UTC.
        k
            1 to 1,000.
        """
        k = whole_number("k", k, 1, LONGEST_LIST)
        now = max(self._now, time_ms)
        place = self._users.find(user)
        history = self._by_user["reads"][place] if place >= 0 else self._nobody
        left_out = history if self.exclude_read else self._nobody
        capped = self._capped(place, now) if self.frequency_cap and place >= 0 else self._none
        chosen = np.empty(k, np.int64)
        ids = self._items.ids
        candidates, scores = self._score(place, history, now)
        taken = kernels.choose(candidates, scores, ids, left_out, capped, chosen, 0, self.seed, user, time_ms)
        self.lists += 1
        if taken < k:
            own = taken
            everything = self._every_item()
            popular = self._rates(FALLBACK, now)
            popular[popular <= 0.0] = -np.inf
            taken = kernels.choose(everything, popular, ids, left_out, capped, chosen, own, self.seed, user, time_ms)
            self.fallbacks += taken > own
        return ids[chosen[:taken]]

    def show(self, user: int, items: npt.NDArray[np.int64], time_ms: int) -> None:
        """Tell that a list was shown to a user. Without a frequency cap this does nothing."""
        place = self._users.find(user)
        if not self.frequency_cap or place < 0:
            return
        self._shown.reach(self._users.used)
        places = [spot for spot in (self._items.find(int(item)) for item in items) if spot >= 0][:SHOWN_ITEMS]
        for name, values in (("shown", places), ("shown_ms", [time_ms] * len(places))):
            row = self._shown[name][place]
            row[:] = np.concatenate((np.array(values, row.dtype), row))[:SHOWN_ITEMS]

    def knows(self, item: int) -> bool:
        """Whether the ranking could show an item at all, to anybody."""
        return self._items.find(item) >= 0

    @property
    def parameters(self) -> dict[str, Any]:
        """What it was made with, defaults included."""
        return dict(self._parameters)

    @property
    def known(self) -> int:
        """How many items are known."""
        return len(self._items)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays now held; ids take some 120 each besides."""
        return sum(part.nbytes for part in (*self._tables(), *self._user_tables()))

    # ---------------------------------------------------------------- what a ranking adds
    def _score(self, user: int, history: Ints, now: int) -> tuple[Longs, Floats]:
        """Candidates by place, and a score of each; minus infinity is never shown. `user` is -1 where unknown."""
        raise NotImplementedError

    def _learn(self, user: int, item: int, history: Ints, before: int, now: int) -> None:
        """Learn a click, before it is counted and read. `before`: the user's click before it, -1 for the first."""

    def _tables(self) -> list[Columns]:
        """Everything with a row an item."""
        return [self._by_item]

    def _user_tables(self) -> list[Columns]:
        """Everything with a row a user."""
        return [self._by_user, self._shown]

    def _forget_items(self, gone: Longs) -> None:
        for columns in self._tables():
            columns.clear(gone)
        for columns, name in ((self._by_user, "reads"), (self._shown, "shown")):
            array = columns[name]
            array[np.isin(array, gone)] = -1
        reads = self._by_user["reads"]
        # closed up, so that the first -1 is the end
        for row in np.flatnonzero((reads[:, :-1] < 0).any(axis=1) & (reads >= 0).any(axis=1)).tolist():
            kept = reads[row][reads[row] >= 0]
            reads[row] = -1
            reads[row, : kept.size] = kept

    def _forget_users(self, gone: Longs) -> None:
        for columns in self._user_tables():
            columns.clear(gone)

    def _other_state(self) -> dict[str, npt.NDArray[Any]]:
        """What a snapshot keeps beside the tables."""
        return {}

    def _restore_other(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take back what `_other_state` gave."""

    # ---------------------------------------------------------------- for the rankings
    def _every_item(self) -> Longs:
        """All places of items in use."""
        if self._all.size != self._items.used:
            self._all = np.arange(self._items.used, dtype=np.int64)
        return self._all

    def _rates(self, column: int, now: int) -> Floats:
        """Fading counts of all items, of one half-life."""
        result = np.zeros(self._items.used)
        if result.size:
            half_life = float(HALF_LIVES_MS[column])
            kernels.rates_at(self._by_item["rates"], self._by_item["seen_ms"], column, half_life, now, result)
        return result

    def _reach(self, items: int, users: int) -> None:
        for columns in self._tables():
            columns.reach(items)
        self._by_user.reach(users)

    def _capped(self, place: int, now: int) -> Longs:
        if place >= self._shown.rows:
            return self._none
        recent = self._shown["shown"][place][self._shown["shown_ms"][place] > now - self.cap_ms]
        items, counts = np.unique(recent[recent >= 0], return_counts=True)
        return items[counts >= self.frequency_cap].astype(np.int64)

    # ---------------------------------------------------------------- snapshots
    @classmethod
    def _frame(cls) -> SnapshotFrame:
        return SnapshotFrame(cls.kind, struct.Struct("<q"), ("parameters", "layout", "state"), sized=True)

    def dump(self) -> bytes:
        """The whole state, but for the counters of lists and fallbacks: equal state, equal bytes."""
        arrays = {f"items.{name}": array for name, array in self._items.arrays().items()}
        arrays |= {f"users.{name}": array for name, array in self._users.arrays().items()}
        for number, columns in enumerate(self._tables()):
            arrays |= {f"i{number}.{name}": array for name, array in columns.arrays(self._items.used).items()}
        for number, columns in enumerate(self._user_tables()):
            used = self._users.used if columns.rows else 0
            arrays |= {f"u{number}.{name}": array for name, array in columns.arrays(used).items()}
        arrays |= {f"other.{name}": array for name, array in self._other_state().items()}
        layout = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
        texts = [json.dumps(value, sort_keys=True).encode() for value in (self._parameters, layout)]
        raw = [*texts, b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())]
        stored = [min(part, zlib.compress(part, 1), key=len) for part in raw]
        return self._frame().write((self._now,), stored, [len(part) for part in raw])

    @classmethod
    def load(cls, data: bytes) -> Self:
        """A ranking that continues where `dump` left off, with its parameters; SnapshotError if that cannot be."""
        (now,), parts = cls._frame().read(data)
        try:
            made = cls(**json.loads(parts["parameters"]))
        except (TypeError, ParameterError) as error:
            raise SnapshotError(f"the snapshot's parameters cannot be taken: {error}") from error
        arrays, place = {}, 0
        for name, kind, shape in json.loads(parts["layout"]):
            dtype = np.dtype(kind)
            count = int(np.prod(shape, dtype=np.int64))
            if len(parts["state"]) < place + count * dtype.itemsize:
                raise SnapshotError(f"the snapshot is inconsistent: its state ends within {name}")
            arrays[name] = np.frombuffer(parts["state"], dtype, count, place).reshape(shape).copy()
            place += count * dtype.itemsize
        try:
            made._restore(now, arrays)
        except (KeyError, ValueError, IndexError) as error:
            if isinstance(error, SnapshotError):
                raise
            raise SnapshotError(f"the snapshot is inconsistent: {error}") from error
        return made

    def _restore(self, now: int, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        def of(prefix: str) -> dict[str, npt.NDArray[Any]]:
            return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

        self._now = now
        self._items.restore(of("items."))
        self._users.restore(of("users."))
        for number, columns in enumerate(self._tables()):
            columns.restore(of(f"i{number}."), self._items.used, self._items.used)
        for number, columns in enumerate(self._user_tables()):
            mine = of(f"u{number}.")
            columns.restore(mine, next(iter(mine.values())).shape[0], self._items.used)
        self._restore_other(of("other."))
