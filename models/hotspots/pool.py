"""The hotspots of many keys, each with a window of its own and all with the same parameters."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.arguments import check_width, integers_of_rows, whole_number
from models.errors import InputError, ModelError, ParameterError, SnapshotError
from models.hotspots import kernels, snapshot
from models.hotspots.kernels import BOX, DENSITY, RECORDS
from models.hotspots.window import Window, window_bytes

MOST_COLUMNS = 30
LEAST_WINDOW, LARGEST_WINDOW = 10, 4096
#: Squares of radii in this range, and densities of ordinary boxes, are far from the ends of a float64.
LEAST_RADIUS, LARGEST_RADIUS = 1e-100, 1e100
#: No side of a box is taken shorter than this part of the radius when its density is computed.
SHORTEST_SIDE = 1e-3


class Hotspot(NamedTuple):
    """Records of a window that lie close together.

    Attributes
    ----------
    density : float
        Records divided by the volume of the box, above 0 and finite: a side shorter than a thousandth of the scan
        radius counts as that long, so that records on a line or on one spot are very dense and not infinitely so.
    records : int
        How many records of the window belong to it.
    minimums, maximums : tuple of float
        The box: least and greatest value of each column among them.
    """

    density: float
    records: int
    minimums: tuple[float, ...]
    maximums: tuple[float, ...]


class HotspotsPool:
    """Hotspots for many keys: put each row into the window of its key, then find the hotspots of the window.

    Parameters
    ----------
    columns, window_size, scan_radius, minimum_points
        As for `Hotspots`; the same for every slot.

    Notes
    -----
    Memory of a slot is constant, `slot_bytes`: ``8 * (columns * N + N * ceil(N / 64) + N + 2)`` with N the window
    size, 152 KB for 1,000 records of two columns. Closing a slot gives it back. Time of a row grows at most with
    ``N * N / 64 + columns * N``: tens of microseconds for 1,000 records of two columns, however dense they are.
    A call with a value that cannot be taken raises `InputError` and changes nothing. A pool is for one thread at a
    time.
    """

    def __init__(self, columns: int, window_size: int, scan_radius: float, minimum_points: int) -> None:
        self.columns = whole_number("columns", columns, 1, MOST_COLUMNS)
        self.window_size = whole_number("window_size", window_size, LEAST_WINDOW, LARGEST_WINDOW)
        self.scan_radius = _radius(scan_radius)
        self.minimum_points = whole_number("minimum_points", minimum_points, 2, self.window_size)
        self.slot_bytes = window_bytes(self.columns, self.window_size)
        self._windows: list[Window | None] = []
        self._free: list[int] = []
        kernels.make_ready()
        #: where the kernel writes hotspots; a window has at most as many as records
        self._found = np.empty((2 * self.window_size, BOX + 2 * self.columns))

    # ---------------------------------------------------------------- slots
    def open(self) -> int:
        """A fresh, empty window; its slot."""
        return self._place(Window(self.columns, self.window_size))

    def close(self, slot: int) -> None:
        """Forget the window of a slot; the slot may be handed out again."""
        self._opened(slot)
        self._windows[slot] = None
        self._free.append(slot)

    def dump(self, slot: int) -> bytes:
        """The whole state, the records of the window: equal state, equal bytes; at most 8 a value."""
        records = self._opened(slot).records
        return snapshot.encode(
            snapshot.Parts(self.columns, self.window_size, self.scan_radius, self.minimum_points, records)
        )

    def load(self, data: bytes) -> int:
        """A slot that continues bit for bit where `dump` left off; SnapshotError if the bytes are not such a window.

        Cost: the distances of all pairs, one or two milliseconds for 1,000 records of two columns.
        """
        parts = snapshot.read(data)
        for name in ("columns", "window_size", "scan_radius", "minimum_points"):
            theirs, ours = getattr(parts, name), getattr(self, name)
            if theirs != ours:
                raise SnapshotError(f"the snapshot is of hotspots with {name} {theirs!r}, these have {ours!r}")
        return self._place(Window.of(parts.records, self.window_size, self._radius_squared))

    @property
    def nbytes(self) -> int:
        """Bytes held by the open windows."""
        return (len(self._windows) - len(self._free)) * self.slot_bytes

    def _place(self, window: Window) -> int:
        if self._free:
            slot = self._free.pop()
            self._windows[slot] = window
            return slot
        self._windows.append(window)
        return len(self._windows) - 1

    def _opened(self, slot: int) -> Window:
        found = self._windows[slot] if 0 <= slot < len(self._windows) else None
        if found is None:
            raise ModelError(f"slot {slot} is not open")
        return found

    @property
    def _radius_squared(self) -> float:
        return self.scan_radius * self.scan_radius

    # ---------------------------------------------------------------- rows
    def process(
        self,
        slots: npt.NDArray[np.int32],
        times_ms: npt.NDArray[np.int64],
        columns: npt.NDArray[np.float64],
    ) -> dict[str, npt.NDArray[Any]]:
        """Put each row into the window of its slot, then find the window's hotspots; rows of one slot in order.

        Shapes: ``slots`` integers (n,), ``times_ms`` (n,), not used: a window counts records; ``columns`` float64
        (n, columns). Returns arrays of n rows as `Hotspots.process` does.

        Raises
        ------
        InputError
            Wrong shapes, or a value that is missing (NaN), infinite or further than 1e150 from 0; nothing was changed.
        """
        places, values = self._checked(slots, columns)
        n = values.shape[0]
        counts, hotspots = np.zeros(n, np.int64), np.empty(n, object)
        order = np.argsort(places, kind="stable")
        ends = np.flatnonzero(np.diff(places[order])) + 1
        for rows in np.split(order, ends) if n else ():
            counts[rows] = self._take(self._opened(int(places[rows[0]])), values[rows], rows, hotspots)
        return {"count": counts, "hotspots": hotspots}

    def _take(
        self,
        window: Window,
        values: npt.NDArray[np.float64],
        rows: npt.NDArray[np.int64],
        hotspots: npt.NDArray[Any],
    ) -> npt.NDArray[np.int64]:
        """Rows of one key: how many hotspots after each, and themselves put into ``hotspots`` at ``rows``."""
        counts = np.zeros(values.shape[0], np.int64)
        known: dict[bytes, Hotspot] = {}  # most hotspots are those of the row before: the same object serves both
        done = 0
        while done < values.shape[0]:
            after = kernels.take_rows(
                window.points, window.near, window.neighbours, window.held, values, done, self._radius_squared,
                self.minimum_points, SHORTEST_SIDE * self.scan_radius, self._found, counts,
            )  # fmt: skip
            numbers = counts[done:after]
            found = self._found[: numbers.sum()]
            # a stable sort: of equally dense ones, the one with the oldest core record stays first
            order = np.lexsort((-found[:, DENSITY], np.repeat(np.arange(numbers.size), numbers)))
            lines = found[order]
            spots = []
            for number, line in enumerate(lines.view(f"V{lines.itemsize * lines.shape[1]}").ravel().tolist()):
                spot = known.get(line)
                if spot is None:
                    spot = known[line] = self._hotspot(lines[number].tolist())
                spots.append(spot)
            ends = np.cumsum(numbers)
            starts = ends - numbers
            for row, start, end in zip(rows[done:after].tolist(), starts.tolist(), ends.tolist(), strict=True):
                hotspots[row] = tuple(spots[start:end])
            done = after
        return counts

    def _hotspot(self, row: list[float]) -> Hotspot:
        middle = BOX + self.columns
        return Hotspot(row[DENSITY], int(row[RECORDS]), tuple(row[BOX:middle]), tuple(row[middle:]))

    def labels(self, slot: int) -> npt.NDArray[np.int64]:
        """The cluster of each record of a window, as `Hotspots.labels`."""
        return self._opened(slot).labels(self.minimum_points)

    def records(self, slot: int) -> npt.NDArray[np.float64]:
        """The records of a window, as `Hotspots.records`."""
        return self._opened(slot).records

    def _checked(self, slots: Any, columns: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The rows as the kernels take them, after all that could be wrong with them."""
        values = np.array(columns, np.float64, order="C")
        check_width(values, self.columns)
        slots = integers_of_rows("slots", slots, values.shape[0])
        refused = kernels.refused_value(values)
        if refused >= 0:
            row, column = divmod(int(refused), self.columns)
            raise InputError(
                f"row {row}, column {column}: {float(values[row, column])!r} is not within {kernels.LARGEST:g} of 0; "
                "leave the row out"
            )
        for slot in np.unique(slots).tolist():
            self._opened(slot)
        values += 0.0  # -0.0 becomes 0.0: which of the two a box shows must not depend on the order of a walk
        return slots.astype(np.int64), values


def _radius(given: Any) -> float:
    """A radius in its range."""
    number = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    if not number or math.isnan(given) or not LEAST_RADIUS <= given <= LARGEST_RADIUS:
        raise ParameterError(f"scan_radius must be a number in {LEAST_RADIUS:g}..{LARGEST_RADIUS:g}, got {given!r}")
    return float(given)
