"""Between the reader, which must never wait, and the thread that sends: one bounded queue."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import NamedTuple, Protocol

from feeds.exchanges.staying import Liveness

MAX_FRAMES = 50_000
"""How many frames may wait: 20 s of the busiest stream that was recorded (2,466 a second)."""

MAX_BYTES = 64 * 1024 * 1024
"""How many bytes of frames may wait."""

HOLD_S = 1.0
"""How long a reader holds the socket back where there is no room, before it drops. A venue allows a minute for the
answer to a ping, so this endangers nothing; bursts are ridden out in the socket's own buffers."""

_LOOK_S = 0.005


class Link(Protocol):
    """One connection, as the intake needs it (`feeds.exchanges.connection.Connection`)."""

    number: int
    liveness: Liveness

    def replace_soon(self) -> None:
        """Ask for another connection to take over; from any thread."""
        ...


class Received(NamedTuple):
    """A frame as it came.

    Attributes
    ----------
    link
        Over which connection.
    position
        Its place among the frames of that connection, from 0.
    at_ns, at_s
        When, by the wall clock in nanoseconds since 1970, and by the monotonic clock in seconds.
    frame
        The bytes.
    """

    link: Link
    position: int
    at_ns: int
    at_s: float
    frame: bytes


class Event(NamedTuple):
    """Something that happened to a connection, or a gap in what it brought.

    Attributes
    ----------
    kind
        ``connected``, ``lost``, ``retry`` (a connection that brought nothing), ``gap``, ``refused``, ``closing``,
        ``status`` or ``given_up``.
    connection
        Its number.
    detail
        In words.
    symbol
        Of a gap.
    missing
        How many numbers a gap has.
    heartbeat_age_ms, data_age_ms
        Of a status: how long ago the last sign of life and the last data came.
    """

    kind: str
    connection: int
    detail: str
    symbol: str | None = None
    missing: int = 0
    heartbeat_age_ms: int | None = None
    data_age_ms: int | None = None


class Ended(NamedTuple):
    """The connection of this number will bring no more frames."""

    connection: int


Item = Received | Event | Ended


class Inbox:
    """Frames and events on their way to the sending thread, in the order they came.

    Written by one thread, read by another. A frame that does not fit is refused: a reader that waits for ever lets
    the socket fill, answers no pings, and loses the connection. Events always fit.

    Parameters
    ----------
    max_frames, max_bytes
        What may wait.
    hold_s
        How long a reader may wait for room before it drops; when it did in vain, it drops at once until half of
        the room is free again.
    """

    def __init__(self, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES, hold_s: float = HOLD_S) -> None:
        self._max_frames, self._max_bytes, self._hold_s = max_frames, max_bytes, hold_s
        self._overflowing = False
        self._items: deque[Item] = deque()
        self._bytes_in = self._bytes_out = 0  # each written by one thread only
        self._filled = threading.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is in it, and nothing will come."""
        return self._closed and not self._items

    def put(self, item: Item) -> bool:
        """Append; False: a frame for which there was no room."""
        if isinstance(item, Received):
            waiting = self._bytes_in - self._bytes_out
            if len(self._items) >= self._max_frames or (waiting and waiting + len(item.frame) > self._max_bytes):
                return False
            self._bytes_in += len(item.frame)
        self._items.append(item)
        if not self._filled.is_set():
            self._filled.set()
        return True

    @property
    def overflowing(self) -> bool:
        """Whether frames are dropped at once."""
        return self._overflowing

    async def put_or_hold(self, item: Received) -> bool:
        """Append as soon as there is room, if that is soon; False: it was not taken."""
        if self._overflowing and len(self._items) * 2 > self._max_frames:
            return False
        self._overflowing = False
        left_s = self._hold_s
        while not self.put(item):
            if left_s <= 0.0:
                self._overflowing = True
                return False
            await asyncio.sleep(_LOOK_S)
            left_s -= _LOOK_S
        return True

    def close(self) -> None:
        """Nothing will be put any more."""
        self._closed = True
        self._filled.set()

    def take(self, limit: int, timeout_s: float) -> list[Item]:
        """Up to `limit` items; waits up to `timeout_s` for the first, then returns what there is."""
        if not self._items and not self._closed:
            self._filled.wait(timeout_s)
            self._filled.clear()  # a put in between is seen below, or wakes the next wait
        taken: list[Item] = []
        while self._items and len(taken) < limit:
            item = self._items.popleft()
            if isinstance(item, Received):
                self._bytes_out += len(item.frame)
            taken.append(item)
        return taken
