"""Exchanges: what they send, how to stay connected to them, and a fake one to try it on.

A venue is one file. To add one: write ``feeds/exchanges/NAME.py`` with a pure `parse` and a `Venue`, add it to
`VENUES` below and its address, ``NAME_url``, to the settings.
"""

from __future__ import annotations

from difflib import get_close_matches

from feeds.exchanges import binance, bybit, coinbase, kraken, okx
from feeds.exchanges.venue import Venue
from jobs.errors import UsageError

VENUES: dict[str, Venue] = {
    venue.name: venue
    for venue in (
        binance.SPOT,
        binance.USD_M,
        binance.COIN_M,
        bybit.SPOT,
        bybit.LINEAR,
        bybit.INVERSE,
        coinbase.VENUE,
        kraken.VENUE,
        okx.VENUE,
    )
}

ALIASES = {"binance": "binance-spot", "bybit": "bybit-spot"}
"""Short names of spot markets."""


def venue_named(name: str) -> Venue:
    """The venue of a name.

    Raises
    ------
    UsageError
        There is none.
    """
    found = VENUES.get(ALIASES.get(name, name))
    if found is None:
        close = get_close_matches(name, [*VENUES, *ALIASES], n=1, cutoff=0.6)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise UsageError(f"--venue: expected one of {', '.join(sorted(VENUES))}, got {name!r}{meant}")
    return found
