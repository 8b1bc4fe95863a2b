"""Recorded clicks: user, item and time from the columns of a Parquet file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.errors import UsageError
from jobs.sql.suggest import did_you_mean

Longs = npt.NDArray[np.int64]

#: Times of 1973 to 2286 in each unit have so many digits before the point, and no other unit has.
_UNITS_MS = {10: 1000.0, 13: 1.0, 16: 1e-3, 19: 1e-6}


@dataclass(frozen=True)
class Named:
    """The columns to read; by default those of the Globo.com set."""

    user: str = "user_id"
    item: str = "click_article_id"
    time: str = "click_timestamp"


@dataclass(frozen=True)
class Clicks:
    """Clicks in the order of their times, equal times in the order of the file.

    Attributes
    ----------
    users, items
        int64 (n,) ids; texts are numbered in the order of their first click.
    times_ms
        int64 (n,) milliseconds since 1970 UTC.
    """

    users: Longs
    items: Longs
    times_ms: Longs

    def __len__(self) -> int:
        return self.times_ms.size

    def __getitem__(self, part: slice) -> Clicks:
        return Clicks(self.users[part], self.items[part], self.times_ms[part])

    def before(self, time_ms: int) -> int:
        """How many clicks are before a time."""
        return int(np.searchsorted(self.times_ms, time_ms))


def read_clicks(file: Path, named: Named | None = None) -> Clicks:
    """Read the clicks of a Parquet file.

    Ids are integers or texts; times are timestamps, or whole numbers of seconds, milliseconds, micro- or nanoseconds,
    told apart by their size.

    Raises
    ------
    UsageError
        The file cannot be read, a column is not there, holds NULL, or has another type.
    """
    named = named or Named()
    try:
        schema = pq.read_schema(file)
    except FileNotFoundError:
        raise UsageError(f"there is no file {file}") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{file} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    wanted = {"--user": named.user, "--item": named.item, "--time": named.time}
    for option, column in wanted.items():
        if column not in schema.names:
            hint = did_you_mean(column, schema.names) or f"; there are {', '.join(schema.names)}"
            raise UsageError(f"{file} has no column {column}{hint}: name it with {option}")
    table = pq.read_table(file, columns=list(dict.fromkeys(wanted.values())))
    for column in wanted.values():
        if table[column].null_count:
            raise UsageError(f"{file}: {column} is NULL in {table[column].null_count:,} rows; leave those rows out")
    if not table.num_rows:
        raise UsageError(f"{file} has no rows")
    users, items = (_ids(file, column, table[column]) for column in (named.user, named.item))
    times = _times_ms(file, named.time, table[named.time])
    order = np.argsort(times, kind="stable")
    return Clicks(users[order], items[order], times[order])


def _ids(file: Path, name: str, column: Any) -> Longs:
    if pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy()).astype(np.int64)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.asarray(column.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)).astype(
            np.int64
        )
    raise UsageError(f"{file}: {name} must be integers or texts, got {column.type}")


def _times_ms(file: Path, name: str, column: Any) -> Longs:
    if pa.types.is_timestamp(column.type):
        in_ms = pc.cast(column, pa.timestamp("ms", tz=column.type.tz), safe=False)
        return np.asarray(pc.cast(in_ms, pa.int64()).to_numpy())
    if not pa.types.is_integer(column.type):
        raise UsageError(f"{file}: {name} must be timestamps or integers, got {column.type}")
    times = np.asarray(column.to_numpy()).astype(np.int64)
    digits = {len(str(int(end))) for end in (times.min(), times.max())}
    if len(digits) != 1 or not digits <= _UNITS_MS.keys():
        raise UsageError(
            f"{file}: {name} must be seconds, milliseconds, micro- or nanoseconds since 1970, all of one kind, "
            f"got {times.min()} to {times.max()}"
        )
    scale = _UNITS_MS[digits.pop()]
    return times * int(scale) if scale >= 1.0 else times // round(1.0 / scale)
