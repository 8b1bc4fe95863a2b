"""ARBITRAGE: where the best bid of one venue is above the best ask of another, after fees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import (
    AddedColumn,
    Argument,
    ArgumentError,
    ArgumentType,
    TableFunction,
    refuse_imputing,
)

if TYPE_CHECKING:
    from models.pool import ModelPool

#: How many venues the model takes.
MOST_VENUES: Final = 32

#: The events by their number in the model's results.
EVENTS: Final = (None, "open", "update", "close")


def _column(name: str, help_: str) -> Argument:
    return Argument(name=name, type=ArgumentType.DESCRIPTOR, single=True, help=help_)


READS: Final = (
    _column("venue", "The venue's number, from 0: CASE venue WHEN 'kraken' THEN 0 WHEN 'okx' THEN 1 END."),
    _column("bid", "The best bid."),
    _column("bid_size", "How much is bid for."),
    _column("ask", "The best ask."),
    _column("ask_size", "How much is asked for."),
)

OWN: Final = (
    Argument(
        name="fees",
        type=ArgumentType.STRING,
        help="JSON: what each venue takes of a trade, in the order of their numbers: '[0.001, 0.0026]'.",
    ),
    Argument(
        name="threshold",
        type=ArgumentType.DOUBLE,
        default=0.0,
        low=-1,
        high=10,
        help="An edge above this, after fees, is an arbitrage: 0.001 is ten basis points.",
    ),
    Argument(
        name="max_age",
        type=ArgumentType.INTERVAL,
        default=2_000,
        low=1,
        high=86_400_000,
        help="No quote older than this counts, by event time.",
    ),
    Argument(
        name="max_skew",
        type=ArgumentType.INTERVAL,
        default=1_000,
        low=1,
        high=86_400_000,
        help="Two quotes that lie this far apart, or further, are not compared.",
    ),
    Argument(
        name="min_size",
        type=ArgumentType.DOUBLE,
        default=0.0,
        low=0,
        help="Nor are quotes with less than this on either side.",
    ),
)

ADDED: Final = (
    AddedColumn("arbitrage_event", "STRING", "`open`, `update` or `close` of an episode; NULL on all other rows."),
    AddedColumn("buy_venue", "BIGINT", "Number of the venue whose ask is taken; NULL where nothing can be compared."),
    AddedColumn("sell_venue", "BIGINT", "Number of the venue whose bid is taken."),
    AddedColumn("edge", "DOUBLE", "What is left of one unit, after fees, for the best two venues at this row."),
    AddedColumn("size", "DOUBLE", "The smaller of the two sizes."),
    AddedColumn("episode", "BIGINT", "Number of the key's episode, from 1, while it is open and when it closes."),
    AddedColumn("episode_ms", "BIGINT", "How long it has lasted."),
    AddedColumn("best_edge", "DOUBLE", "Its best edge so far."),
)


def _fees(text: str) -> list[float]:
    """The fees.

    Raises
    ------
    ArgumentError
        They are no JSON list of two numbers or more, 0 and below 1.
    """
    try:
        fees = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"fees must be a JSON list of numbers, got '{text}' ({error})", "fees") from None
    numbers = isinstance(fees, list) and all(
        isinstance(fee, int | float) and not isinstance(fee, bool) and 0 <= fee < 1 for fee in fees
    )
    if not numbers or not 2 <= len(fees) <= MOST_VENUES:
        raise ArgumentError(
            f"fees must be a JSON list of 2 to {MOST_VENUES} shares, 0 or more and below 1, one a venue, got '{text}'",
            "fees",
        )
    return [float(fee) for fee in fees]


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        Fees that cannot be, or values to fill in from nothing.
    """
    _fees(arguments["fees"])
    refuse_imputing(arguments, "a quote that is not there has no price")


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    from models.arbitrage import ArbitragePool

    return ArbitragePool(
        _fees(arguments["fees"]),
        arguments["threshold"],
        arguments["max_age"],
        arguments["max_skew"],
        arguments["min_size"],
    )


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """A list a column; NULL where there is nothing to say."""

    def numbers(name: str) -> list[float | None]:
        return [None if value != value else value for value in outputs[name].tolist()]

    def whole(name: str) -> list[int | None]:
        return [None if value is None else int(value) for value in numbers(name)]

    return (
        [EVENTS[int(event)] for event in outputs["event"].tolist()],
        whole("buy_venue"),
        whole("sell_venue"),
        numbers("edge"),
        numbers("size"),
        whole("episode"),
        whole("lasted_ms"),
        numbers("best_edge"),
    )


FUNCTION: Final = TableFunction(
    name="ARBITRAGE",
    summary="Finds where the best bid of one venue is above the best ask of another, after fees, as episodes.",
    description="""\
Every row is a quote of one venue. After each, the best bid of every venue is held against the best ask of every other,
and the pair with the highest edge is told: `bid * (1 - fee) / (ask * (1 + fee)) - 1`.

What may be compared is the key: partition by base currency, quote currency and kind of instrument. USD, USDT and USDC
are three currencies, and a perpetual above its spot price is a basis, not an arbitrage.

Two quotes are compared when neither is older than `max_age` at the time of the row, they lie less than `max_skew`
apart, and both sides have a size, `min_size` at least. All of it goes by event time: a quote that comes late is old.

An episode opens with the first edge above `threshold`; it is told of again, as `update`, when its edge is the best so
far or its venues change; it closes when no edge is above the threshold any more, or when a quote of its pair has grown
older than `max_age`. Filter on `arbitrage_event IS NOT NULL` for these rows: one alert an episode, not one a tick. An
episode closes with the first row of its key that tells; where none comes, it stays open.

A row whose venue is no number of `fees`, or whose bid or ask is not above 0, is no quote: it changes nothing and gets
NULL. There is no chance in it: `seed` changes nothing. `on_null => 'impute'` is refused. A key takes less than 150
bytes of memory for two venues, and a row a microsecond with ten.

The edge is what two quotes promise at one moment. It knows no latency, no withdrawal and no inventory: what is earned
is less.""",
    arguments=with_common(*OWN, reads=READS),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    reads=("venue", "bid", "bid_size", "ask", "ask_size"),
    columns_low=5,
    columns_high=5,
    example="""\
CREATE VIEW episodes AS
SELECT * FROM ARBITRAGE(
    input     => (SELECT *, CASE venue WHEN 'huobi' THEN 0 WHEN 'binance' THEN 1 END AS venue_number
                  FROM market_quotes) PARTITION BY (base, quote, instrument),
    on_time   => DESCRIPTOR(event_time),
    venue     => DESCRIPTOR(venue_number),
    bid       => DESCRIPTOR(bid),
    bid_size  => DESCRIPTOR(bid_size),
    ask       => DESCRIPTOR(ask),
    ask_size  => DESCRIPTOR(ask_size),
    fees      => '[0.002, 0.001]',
    threshold => 0.0005)
WHERE arbitrage_event IS NOT NULL;""",
)
