"""What became of every frame of a venue: nothing is lost without a number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Counters of one collector; each is written by one thread.

    Attributes
    ----------
    attempts, connections, lost
        Dials, handshakes that succeeded, connections that ended.
    frames, frame_bytes
        Received.
    dropped
        Frames that were thrown away because the queue was full.
    trades, quotes
        Records handed to Kafka.
    duplicates
        Records that had come before.
    stale
        Quotes older than one that was passed on, and changes of a side that cannot be used yet.
    before_start
        Trades from before the start that a venue sends on subscribing.
    missing
        Numbers of trades or updates that were left out and have not come since.
    filled
        Of those left out, how many came later.
    missing_frames
        Numbers of frames left out within a connection.
    leaps
        Records whose number lies absurdly far from the others.
    unsent
        Records that were not taken by the producer, because the end was asked for while it had no room.
    rejects
        By reason.
    notices
        Frames without data, by kind and channel.
    """

    attempts: int = 0
    connections: int = 0
    lost: int = 0
    frames: int = 0
    frame_bytes: int = 0
    dropped: int = 0
    trades: int = 0
    quotes: int = 0
    duplicates: int = 0
    stale: int = 0
    before_start: int = 0
    missing: int = 0
    filled: int = 0
    missing_frames: int = 0
    leaps: int = 0
    unsent: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        """All of them, for a summary."""
        numbers = {name: getattr(self, name) for name in self.__slots__ if name not in ("rejects", "notices")}
        return numbers | {"rejects": dict(sorted(self.rejects.items())), "notices": dict(sorted(self.notices.items()))}
