"""What a frame of an exchange says, in one vocabulary: trades, best quotes, refusals, remarks.

A parser turns one frame into one or more of these and never raises; nothing in a frame is ignored without a
`Notice` that can be counted. Times are nanoseconds since 1970 (UTC), prices are in the quote currency.
"""

from __future__ import annotations

from typing import NamedTuple


class Instrument(NamedTuple):
    """What is traded.

    Attributes
    ----------
    venue
        Exchange and market, such as ``binance-spot``.
    symbol
        As the venue writes it, such as ``BTCUSDT`` or ``BTC-USD``.
    base, quote
        Currencies, kept apart: USD, USDT and USDC are three. None where the symbol does not tell.
    kind
        ``spot``, ``perpetual``, ``future`` or ``option``. Prices of different kinds are not comparable.
    size_unit
        ``base``: sizes are amounts of the base currency; ``contracts``: numbers of contracts.
    """

    venue: str
    symbol: str
    base: str | None
    quote: str | None
    kind: str = "spot"
    size_unit: str = "base"


class Trade(NamedTuple):
    """One execution, or several at one price where the venue adds them up.

    Attributes
    ----------
    instrument
        What was traded.
    event_ns
        When, by the venue's clock.
    price, size
        Both positive and finite.
    side
        ``buy`` or ``sell``: what the side did that took the price.
    trade_id
        The venue's number; unique within `channel` of the instrument.
    channel
        ``trade``, or ``aggTrade``, whose numbers are others.
    fills
        How many executions are in it.
    first_id
        The lowest number in it where numbers follow each other without gaps, so that a missing one can be
        seen; None where numbers promise no order.
    snapshot
        Whether the venue said that it was sent again on subscribing.
    """

    instrument: Instrument
    event_ns: int
    price: float
    size: float
    side: str
    trade_id: str
    channel: str = "trade"
    fills: int = 1
    first_id: int | None = None
    snapshot: bool = False


class Quote(NamedTuple):
    """The best bid and the best ask of one moment.

    Attributes
    ----------
    instrument
        What is quoted.
    event_ns
        When, by the venue's clock; None where the frame has no time (Binance spot).
    bid, bid_size, ask, ask_size
        Prices positive, sizes not negative, all finite.
    update_id
        The venue's number, which grows; None where there is none.
    snapshot
        Whether the venue said that it was sent again on subscribing.
    """

    instrument: Instrument
    event_ns: int | None
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    update_id: int | None = None
    snapshot: bool = False


class TopChange(NamedTuple):
    """A change of the best level, by side; `feeds.exchanges.top.Top` makes quotes of it.

    Attributes
    ----------
    instrument
        What is quoted.
    event_ns
        When, by the venue's clock.
    bid, ask
        Price and size of the side's new best; None: not changed; a size of 0: the level is gone.
    update_id
        Follows the one before; 1 begins anew.
    snapshot
        Whether it replaces what was known.
    """

    instrument: Instrument
    event_ns: int
    bid: tuple[float, float] | None
    ask: tuple[float, float] | None
    update_id: int
    snapshot: bool


class Reject(NamedTuple):
    """A frame, or the part of one, that cannot be used.

    Attributes
    ----------
    reason
        One of `feeds.exchanges.fields.REASONS`.
    detail
        What was met and what was expected.
    """

    reason: str
    detail: str


class Notice(NamedTuple):
    """A frame without market data.

    Attributes
    ----------
    kind
        ``heartbeat``, ``acknowledged``, ``refused`` (a subscription), ``closing`` (the venue is about to close
        the connection), ``unused`` (a channel that is known and not collected) or ``unknown`` (any other).
    channel
        Which channel, as far as the frame says.
    detail
        What the venue said.
    """

    kind: str
    channel: str
    detail: str = ""


class Numbered(NamedTuple):
    """The frame's own number in its connection (Coinbase); comes before what the frame says."""

    sequence: int


Record = Trade | Quote | TopChange | Reject | Notice | Numbered
"""What `parse` returns a tuple of."""
