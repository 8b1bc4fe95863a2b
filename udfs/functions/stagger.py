"""STAGGER: windows that the first row of a key opens, rather than the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import AddedColumn, Argument, ArgumentType, TableFunction

if TYPE_CHECKING:
    from models.pool import ModelPool

AGE: Final = Argument(
    name="age",
    type=ArgumentType.INTERVAL,
    low=1,
    high=31_622_400_000,
    help="How long a window is open, from the row that opened it.",
)

ADDED: Final = (AddedColumn("window_opened", "BIGINT", "When the row's window opened, in milliseconds since 1970."),)


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    from models.stagger import StaggerPool

    return StaggerPool(arguments["age"])


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    return (outputs["opened_ms"].tolist(),)


FUNCTION: Final = TableFunction(
    name="STAGGER",
    summary="Tells for each row when the window opened that it belongs to: with the first row of its key.",
    description="""\
A tumbling window begins when the clock says so, and rows that arrive together are cut apart by it. A stagger window
begins with the first row of a key and is open for `age`; the first row at or behind its end opens the next one.

`window_opened` is the time of the row that opened the window, in milliseconds since 1970. Rows of a key with the
same `window_opened` make a window: group by both and by a session of Flink's, which closes when no further row can
come, without waiting for the key's next one, as in the example.

The values of `columns` play no part; name one that is never NULL, since a row with NULL in it is passed over. `seed`
and `on_null => 'impute'` change nothing. A key takes 9 bytes.

Source: stagger windows of Kinesis Data Analytics for SQL.""",
    arguments=with_common(AGE),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    example="""\
CREATE VIEW opened AS
SELECT * FROM STAGGER(
    input   => TABLE clicks PARTITION BY visitor,
    on_time => DESCRIPTOR(event_time),
    columns => DESCRIPTOR(clicks),
    age     => INTERVAL '1' MINUTE);

CREATE VIEW visits AS
SELECT visitor, window_opened, SUM(clicks) AS clicks
FROM opened
GROUP BY visitor, window_opened, SESSION(event_time, INTERVAL '1' MINUTE);""",
)
