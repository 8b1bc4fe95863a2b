"""HOTSPOTS: where the last rows of a key lie close together."""

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
    from models.hotspots import Hotspot
    from models.pool import ModelPool

#: The largest radius the model takes: far above every distance of rows that can be scored.
LARGEST_RADIUS: Final = 1e100

WINDOW_SIZE: Final = Argument(
    name="window_size",
    type=ArgumentType.BIGINT,
    low=10,
    high=4_096,
    help="The last so many rows of a key, the new one included, are searched for hotspots.",
)

SCAN_RADIUS: Final = Argument(
    name="scan_radius",
    type=ArgumentType.DOUBLE,
    low=1e-100,
    help="How far rows that are neighbours lie apart at most; smaller finds more and smaller hotspots.",
)

MINIMUM_POINTS: Final = Argument(
    name="minimum_points",
    type=ArgumentType.BIGINT,
    low=2,
    help="Rows within scan_radius of a row, itself included, that make a hotspot; at most window_size.",
)

ADDED: Final = (
    AddedColumn(
        "hotspots_result",
        "STRING",
        "JSON: hotspots, a list with density, minValues and maxValues of each, the densest first.",
    ),
)


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        More points than the window has, a radius out of all range, or values to fill in from nothing.
    """
    window_size, minimum_points = arguments["window_size"], arguments["minimum_points"]
    if minimum_points > window_size:
        raise ArgumentError(
            f"minimum_points must be at most window_size ({window_size}), got {minimum_points}",
            "minimum_points",
            "window_size",
        )
    if arguments["scan_radius"] > LARGEST_RADIUS:
        raise ArgumentError(
            f"scan_radius must be at most {LARGEST_RADIUS:g}, got {arguments['scan_radius']:g}", "scan_radius"
        )
    refuse_imputing(arguments, "a window of rows does not tell what a value would have been")


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    from models.hotspots import HotspotsPool

    return HotspotsPool(columns, arguments["window_size"], arguments["scan_radius"], arguments["minimum_points"])


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """The hotspots of each row as JSON; the values of a box are in the order of the columns.

    Most hotspots are those of the row before, so each is written once in a pack.
    """
    texts: dict[Hotspot, str] = {}

    def text_of(spot: Hotspot) -> str:
        text = texts.get(spot)
        if text is None:
            fields = {"density": spot.density, "minValues": spot.minimums, "maxValues": spot.maximums}
            text = texts[spot] = json.dumps(fields, separators=(",", ":"))
        return text

    return ([f'{{"hotspots":[{",".join(map(text_of, spots))}]}}' for spots in outputs["hotspots"].tolist()],)


FUNCTION: Final = TableFunction(
    name="HOTSPOTS",
    summary="Finds where the last rows of each key lie close together, as boxes with a density.",
    description="""\
For every row, the last `window_size` rows of its key are divided by DBSCAN, the new row included. A row with at
least `minimum_points` rows within `scan_radius` of it, itself and the edge included, is a core row. Core rows
within the radius of each other are one hotspot, with all rows within the radius of one of them. The rest is in none.

`hotspots_result` holds all hotspots of the window, wherever the new row lies:
`{"hotspots":[{"density":40.5,"minValues":[4.0,7.1],"maxValues":[5.0,7.9]}]}`

- `minValues`, `maxValues`: the box, one number for each column in the order of `columns`.
- `density`: rows in the hotspot divided by the volume of the box. A side shorter than a thousandth of
  `scan_radius` counts as that long, so that rows on a line or on one spot have a high density, not an infinite one.

All are numbers. The densest hotspot comes first; choose by density what counts. Where there is none, the list is
empty. There is no warm-up: a window that is not full yet is searched as it is.

A row on the border of two hotspots counts in one of them, the one whose oldest core row is older, so a hotspot may
have fewer than `minimum_points` rows. Distances are Euclidean and columns are not scaled: a column of thousands
outweighs a column of fractions, so divide in the input where that is not meant. There is no chance in it: `seed`
changes nothing. `on_null => 'impute'` is refused.

Kinesis Data Analytics had this function with windows of 100 to 1,000 rows; it left distance, borders, flat boxes,
windows not yet full and the order of the list open, and these choices are ours.

A key takes 0.2 MB of memory for 1,000 rows of two columns, and a row some tens of microseconds. The text of a row
grows with the number of hotspots.

Source: Ester, Kriegel, Sander, Xu, "A Density-Based Algorithm for Discovering Clusters in Large Spatial Databases
with Noise", KDD 1996.""",
    arguments=with_common(WINDOW_SIZE, SCAN_RADIUS, MINIMUM_POINTS),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    example="""\
CREATE VIEW crowded AS
SELECT * FROM HOTSPOTS(
    input          => TABLE taxis PARTITION BY city,
    on_time        => DESCRIPTOR(event_time),
    columns        => DESCRIPTOR(x_km, y_km),
    window_size    => 1000,
    scan_radius    => 0.2,
    minimum_points => 17);""",
)
