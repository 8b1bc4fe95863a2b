"""Which records are new: duplicates by number, gaps by sequence, quotes that come after newer ones.

All of it is exact and small: what was seen of a numbered stream is one range with holes, not a list of ids.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from enum import Enum
from typing import NamedTuple

from feeds.exchanges.market import Quote, Trade

MAX_LEAP = 100_000_000
"""A number further away than this is not taken for a gap before a second one confirms it: one damaged number
must not make every later one look old."""

MAX_HOLES = 1000
"""How many holes of a stream are remembered; older ones stay counted, and a record that fills one is a
duplicate."""

MAX_RECENT = 20_000
"""How many ids are remembered where ids promise no order."""

MAX_STREAMS = 20_000
"""How many instruments are followed; the one that was met first is forgotten first."""

CONFIRM_DATED, CONFIRM_UNDATED = 3, 1000
"""So many quotes in a row with rising numbers below the last one mean that the venue numbers anew. Without
event times a replayed snapshot looks the same, so it takes more."""


class Verdict(Enum):
    """What a record is."""

    NEW = "new"
    DUPLICATE = "duplicate"
    STALE = "stale"
    BEFORE_START = "before_start"


class Seen(NamedTuple):
    """What a number of a stream without gaps tells.

    Attributes
    ----------
    verdict
        New or duplicate.
    hole
        First and last number found missing by it, or None.
    filled
        How many numbers that were missing it brought.
    leapt
        Whether it lies so far away that it is let through and otherwise ignored.
    """

    verdict: Verdict
    hole: tuple[int, int] | None = None
    filled: int = 0
    leapt: bool = False


_NEW = Seen(Verdict.NEW)
_DUPLICATE = Seen(Verdict.DUPLICATE)


class Numbers:
    """A stream numbered 1 by 1 in which numbers may be missing, come twice, or come late."""

    __slots__ = ("_first", "_holes", "_last", "_leap")

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = -1
        self._holes: list[tuple[int, int]] = []  # ascending, disjoint
        self._leap: int | None = None

    def begins_after(self, number: int) -> bool:
        """Whether the first number that came is higher."""
        return self._first is not None and number < self._first

    def see(self, low: int, high: int) -> Seen:
        """Take note of the numbers `low` to `high`, which came in one record.

        Returns
        -------
        Seen
            Costs O(1) in order, O(log holes) out of order.
        """
        if self._first is None:
            self._first, self._last = low, high
            return _NEW
        if low == self._last + 1:
            self._last, self._leap = high, None
            return _NEW
        if low > self._last + MAX_LEAP or high < self._first - MAX_LEAP:
            return self._leaps(low, high)
        if low > self._last:
            hole = (self._last + 1, low - 1)
            self._holes.append(hole)
            if len(self._holes) > MAX_HOLES:
                del self._holes[0]
            self._last = high
            return Seen(Verdict.NEW, hole)
        if high < self._first:
            hole_before = (high + 1, self._first - 1) if high + 1 < self._first else None
            if hole_before is not None:
                self._holes.insert(0, hole_before)
                if len(self._holes) > MAX_HOLES:
                    del self._holes[0]
            self._first = low
            return Seen(Verdict.NEW, hole_before)
        return self._fills(low, high)

    def _leaps(self, low: int, high: int) -> Seen:
        if self._leap is not None and abs(low - self._leap) <= MAX_LEAP:  # the venue numbers anew
            self._first, self._last, self._leap = low, high, None
            self._holes.clear()
            return _NEW
        self._leap = high
        return Seen(Verdict.NEW, leapt=True)

    def _fills(self, low: int, high: int) -> Seen:
        at = bisect_right(self._holes, (high, 1 << 62)) - 1
        if at < 0 or self._holes[at][1] < high:
            return _DUPLICATE
        start, end = self._holes[at]
        begin = max(low, start)
        self._holes[at : at + 1] = [part for part in ((start, begin - 1), (high + 1, end)) if part[0] <= part[1]]
        return Seen(Verdict.NEW, filled=high - begin + 1)


class _Recent:
    """Ids without order: the last `MAX_RECENT` of them."""

    __slots__ = ("_ids", "_order")

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._order: deque[str] = deque()

    def see(self, name: str) -> Seen:
        if name in self._ids:
            return _DUPLICATE
        self._ids.add(name)
        self._order.append(name)
        if len(self._order) > MAX_RECENT:
            self._ids.discard(self._order.popleft())
        return _NEW


class _Latest:
    """The newest quote of an instrument."""

    __slots__ = ("_below", "_quote", "_under")

    def __init__(self) -> None:
        self._quote: Quote | None = None
        self._below = -1  # the last number below the newest
        self._under = 0  # how many of them came in a row, rising

    def see(self, quote: Quote) -> Verdict:
        last = self._quote
        if last is None or (quote.snapshot and quote.update_id == 1):
            return self._take(quote)
        if quote.update_id is not None and last.update_id is not None:
            if quote.update_id > last.update_id:
                return self._take(quote)
            if quote.update_id == last.update_id:
                return self._take(quote) if _later(quote, last) else Verdict.DUPLICATE
            return self._is_below(quote, last)
        if quote.event_ns is not None and last.event_ns is not None and quote.event_ns < last.event_ns:
            return Verdict.STALE
        return Verdict.DUPLICATE if quote._replace(snapshot=last.snapshot) == last else self._take(quote)

    def _is_below(self, quote: Quote, last: Quote) -> Verdict:
        number = quote.update_id or 0
        plausible = quote.event_ns is None or _later(quote, last)
        self._under = self._under + 1 if plausible and number > self._below else int(plausible)
        self._below = number
        if self._under >= (CONFIRM_UNDATED if quote.event_ns is None else CONFIRM_DATED):
            return self._take(quote)
        return Verdict.STALE

    def _take(self, quote: Quote) -> Verdict:
        self._quote, self._below, self._under = quote, -1, 0
        return Verdict.NEW


def _later(quote: Quote, last: Quote) -> bool:
    return quote.event_ns is not None and last.event_ns is not None and quote.event_ns > last.event_ns


class Order:
    """What was seen of every instrument, across connections, so that a gap during an outage is found too."""

    def __init__(self) -> None:
        self._trades: OrderedDict[tuple[str, str], Numbers | _Recent] = OrderedDict()
        self._quotes: OrderedDict[str, _Latest] = OrderedDict()

    def trade(self, trade: Trade) -> Seen:
        """Whether a trade is new. Trades sent again on subscribing are `BEFORE_START` where nothing older came
        live; the others fill what was missed."""
        name = (trade.instrument.symbol, trade.channel)
        stream = self._trades.get(name)
        if stream is None:
            if trade.snapshot:
                return Seen(Verdict.BEFORE_START)
            stream = self._trades[name] = _Recent() if trade.first_id is None else Numbers()
            _forget(self._trades)
        if isinstance(stream, Numbers):
            if trade.first_id is None:
                return _NEW
            number = int(trade.trade_id)
            if trade.snapshot and stream.begins_after(number):
                return Seen(Verdict.BEFORE_START)
            return stream.see(trade.first_id, number)
        return stream.see(trade.trade_id)

    def quote(self, quote: Quote) -> Verdict:
        """Whether a quote is new: by its update id, by its time where it has none. The same id with a later
        time renews the quote and is new."""
        name = quote.instrument.symbol
        latest = self._quotes.get(name)
        if latest is None:
            latest = self._quotes[name] = _Latest()
            _forget(self._quotes)
        return latest.see(quote)


def _forget(streams: OrderedDict[str, _Latest] | OrderedDict[tuple[str, str], Numbers | _Recent]) -> None:
    if len(streams) > MAX_STREAMS:
        streams.popitem(last=False)
