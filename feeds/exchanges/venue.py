"""What the collector has to know about a venue, and how to add one.

A venue is one file with a pure `parse` and one `Venue`, and one line in `feeds.exchanges.VENUES`; the address
is one field of the settings. Nothing else knows a venue by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from feeds.exchanges.market import Record

Parse = Callable[[object], tuple[Record, ...]]
"""One frame, as bytes or text, to what it says: never empty, never an exception, no memory between frames."""


class Subscription(NamedTuple):
    """How to ask for symbols.

    Attributes
    ----------
    url
        Where to connect.
    messages
        What to send then, in this order.
    """

    url: str
    messages: tuple[str, ...]


class Venue(NamedTuple):
    """One market of one exchange.

    Attributes
    ----------
    name
        As in the records and in the settings (``NAME_url``, with underscores).
    parse
        Pure: see `Parse`.
    subscription
        From base address and symbols to what to do on connecting.
    ping
        A message of the venue's own that keeps the connection open, or None where the protocol's pings do.
    ping_s
        How long the connection may be silent before it is sent.
    undated_quotes
        Whether quotes come without an event time.
    max_symbols
        How many symbols one connection takes.
    max_age_s
        After so long the collector moves to a new connection by itself; None: the venue sets no end.
    """

    name: str
    parse: Parse
    subscription: Callable[[str, Sequence[str]], Subscription]
    ping: str | None = None
    ping_s: float = 15.0
    undated_quotes: bool = False
    max_symbols: int = 100
    max_age_s: float | None = None

    @property
    def url_setting(self) -> str:
        """The field of the settings that holds the address."""
        return self.name.replace("-", "_") + "_url"
