"""Best quotes out of changes of single sides (Bybit)."""

from __future__ import annotations

from feeds.exchanges.market import Quote, TopChange

MAX_STREAMS = 20_000
"""How many instruments are followed; all are forgotten when there are more."""


class Top:
    """Both sides of each instrument, as far as they are known.

    After a gap in the update ids a side counts as unknown until it is named again, so a quote is never made of
    an old side and a new one.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, tuple[float, float] | None, tuple[float, float] | None]] = {}

    def rest(self, quote: Quote) -> None:
        """A whole quote: the changes that follow build on it."""
        if quote.update_id is not None:
            if len(self._known) >= MAX_STREAMS and quote.instrument.symbol not in self._known:
                self._known.clear()
            bid, ask = (quote.bid, quote.bid_size), (quote.ask, quote.ask_size)
            self._known[quote.instrument.symbol] = (quote.update_id, bid, ask)

    def change(self, change: TopChange) -> tuple[Quote | None, int]:
        """Apply a change.

        Returns
        -------
        Quote or None
            The best quote afterwards; None while a side is not known or empty.
        int
            How many update ids are missing before this one.
        """
        name = change.instrument.symbol
        last, bid, ask = self._known.get(name, (change.update_id - 1, None, None))
        missing = 0
        if change.snapshot:
            bid = ask = None
        elif change.update_id <= last:  # an old one: what is known is newer
            return None, 0
        elif change.update_id > last + 1:
            missing = change.update_id - last - 1
            bid = ask = None
        bid = _after(bid, change.bid)
        ask = _after(ask, change.ask)
        if len(self._known) >= MAX_STREAMS and name not in self._known:
            self._known.clear()
        self._known[name] = (change.update_id, bid, ask)
        if bid is None or ask is None:
            return None, missing
        return Quote(change.instrument, change.event_ns, *bid, *ask, change.update_id), missing


def _after(side: tuple[float, float] | None, change: tuple[float, float] | None) -> tuple[float, float] | None:
    if change is None:
        return side
    return change if change[1] > 0.0 else None
