"""INDICATORS: RSI, MACD, Bollinger bands, volume and momentum of a market's bars."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from models.errors import ParameterError
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
    from models.indicators import Periods
    from models.pool import ModelPool

PRICE: Final = Argument(
    name="price",
    type=ArgumentType.DESCRIPTOR,
    single=True,
    help="The price of a closed bar, as a rule its last one.",
)

VOLUME: Final = Argument(
    name="volume",
    type=ArgumentType.DESCRIPTOR,
    single=True,
    help="The volume that was traded in the bar; 0 where nothing was.",
)

PERIODS: Final = Argument(
    name="periods",
    type=ArgumentType.STRING,
    default="{}",
    default_help='\'{"rsi": 14, "macd": [12, 26, 9], "bollinger": [20, 2], "volume": 20, "momentum": 10}\'',
    help="JSON: how many bars each looks at; what is not named keeps its default.",
)

ADDED: Final = (
    AddedColumn("rsi", "DOUBLE", "Wilder's relative strength index, 0..100; 50 where no price has moved."),
    AddedColumn("macd", "DOUBLE", "Fast less slow exponential average, in the unit of prices."),
    AddedColumn("macd_signal", "DOUBLE", "Exponential average of `macd`."),
    AddedColumn("macd_histogram", "DOUBLE", "`macd` less `macd_signal`."),
    AddedColumn(
        "bollinger_position",
        "DOUBLE",
        "0 at the lower band, 1 at the upper, beyond them outside; 0.5 where prices rest.",
    ),
    AddedColumn("volume_ratio", "DOUBLE", "Volume beside the mean of the last bars; 1 where none has any."),
    AddedColumn("momentum", "DOUBLE", "Price less that of so many bars before."),
)


def _periods(text: str) -> Periods:
    """What the text says.

    Raises
    ------
    ArgumentError
        It is no JSON object, or names or numbers in it are wrong.
    """
    from models.indicators.periods import Periods

    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"periods must be a JSON object, got '{text}' ({error})", "periods") from None
    if not isinstance(given, dict):
        raise ArgumentError(f"periods must be a JSON object, got '{text}'", "periods")
    try:
        return Periods.of(given)
    except ParameterError as error:
        raise ArgumentError(f"periods: {error}", "periods") from None


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        Periods that cannot be, or values to fill in from nothing.
    """
    _periods(arguments["periods"])
    refuse_imputing(arguments, "a bar that is not there has no price")


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    from models.indicators import IndicatorsPool

    return IndicatorsPool(_periods(arguments["periods"]))


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """A list a column; NULL before its first bar."""
    return tuple([None if value != value else value for value in outputs[added.name].tolist()] for added in ADDED)


FUNCTION: Final = TableFunction(
    name="INDICATORS",
    summary="Computes RSI, MACD, Bollinger bands, volume ratio and momentum of each key's bars.",
    description="""\
Every row is a closed bar of its key: give it the rows of a window that is over (`TUMBLE`), never one that still grows,
because each row counts as one bar. Bars without trades have to be rows too where periods are to mean time.

- `rsi`: Wilder's relative strength index, 0..100, first value with bar `rsi` (14), counted from 0.
- `macd`, `macd_signal`, `macd_histogram`: exponential averages over 12 and 26 bars, the first less the second; the
  average of that over 9; their difference. All begin with bar 33.
- `bollinger_position`: where the price lies in the band of two standard deviations around the mean of 20 bars; first
  with bar 19.
- `volume_ratio`: the volume beside the mean of the last 20 bars, this one included; first with bar 19.
- `momentum`: the price less that of 10 bars before; first with bar 10.

Before its first bar a column is NULL. They are TA-Lib's numbers over the whole series, from TA-Lib's own first bar on;
only a price that has never moved is told differently (an RSI of 50, the middle of the band), and bars without any
volume have a ratio of 1.

`periods` changes them: `'{"rsi": 7, "macd": [5, 35, 5], "bollinger": [10, 1.5]}'`. A period has 1 or 2 to 1,000 bars.
A NULL in price or volume gives NULL in all columns and is no bar. There is no chance in it: `seed` changes nothing.
`on_null => 'impute'` is refused. A key takes 0.4 KB of memory and a row a fraction of a microsecond.

Sources: Wilder, "New Concepts in Technical Trading Systems" (1978); Appel, "Technical Analysis" (2005); Bollinger,
"Bollinger on Bollinger Bands" (2001).""",
    arguments=with_common(PERIODS, reads=(PRICE, VOLUME)),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    reads=("price", "volume"),
    columns_low=2,
    columns_high=2,
    example="""\
CREATE VIEW indicators AS
SELECT * FROM INDICATORS(
    input   => TABLE bars PARTITION BY (venue, symbol),
    on_time => DESCRIPTOR(bar_time),
    price   => DESCRIPTOR(close_price),
    volume  => DESCRIPTOR(traded),
    periods => '{"rsi": 14, "macd": [12, 26, 9]}');""",
)
