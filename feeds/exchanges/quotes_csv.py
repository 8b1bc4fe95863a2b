"""Best quotes out of a CSV file: several venues side by side, with one time for a row.

The header names the columns, in any order: ``ts`` (ISO 8601; UTC where no zone is named), ``exchange``, ``bid``,
``bid_qty``, ``ask``, ``ask_qty``; ``symbol``, ``base`` and ``quote`` where the file has several pairs.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import orjson

from feeds.exchanges.fields import Refused, price, show, size, text
from feeds.exchanges.market import Instrument, Quote
from feeds.exchanges.values import MARKET, Topics, instrument_key, quote_record, reject_record
from feeds.records import Outgoing
from jobs.errors import CutbankError, UsageError

COLUMNS = ("ts", "exchange", "bid", "bid_qty", "ask", "ask_qty")


class Pair(NamedTuple):
    """What the quotes of a file are about, where its rows do not say.

    Attributes
    ----------
    symbol, base, quote
        As in `Instrument`.
    """

    symbol: str
    base: str | None
    quote: str | None


def read_rows(path: Path) -> Iterator[dict[str, str | None]]:
    """The rows of the file, by column.

    Raises
    ------
    UsageError
        There is no such file, or its header lacks a column.
    CutbankError
        It cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"FILE: no file {str(path)!r}; expected a CSV file of quotes, gzip or not")
    opening: Callable[..., Iterable[str]] = gzip.open if path.suffix == ".gz" else open
    try:
        with opening(path, "rt", encoding="utf-8", newline="") as lines:  # type: ignore[attr-defined]
            rows = csv.DictReader(lines)
            missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise UsageError(
                    f"FILE: {str(path)!r} has no column {', '.join(missing)}; "
                    f"expected a header with {', '.join(COLUMNS)}"
                )
            yield from rows
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CutbankError(f"{str(path)!r} cannot be read: {error}") from error


def quote_of(row: dict[str, str | None], pair: Pair | None) -> Quote:
    """The quote of a row.

    Raises
    ------
    Refused
        A value is missing or cannot be.
    """
    if pair is None or row.get("symbol"):
        pair = Pair(text(row, "symbol"), row.get("base"), row.get("quote"))
    return Quote(
        Instrument(text(row, "exchange"), pair.symbol, pair.base, pair.quote),
        _time_ns(text(row, "ts")),
        price(row.get("bid"), "bid"),
        size(row.get("bid_qty"), "bid_qty"),
        price(row.get("ask"), "ask"),
        size(row.get("ask_qty"), "ask_qty"),
    )


def _time_ns(value: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Refused("wrong_type", f"ts: expected an ISO 8601 time, got {show(value)}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not 2009 <= moment.year < 2100:
        raise Refused("time_out_of_range", f"ts: {show(value)} is not between 2009 and 2100")
    return round(moment.timestamp() * 1_000_000) * 1000


def quotes(
    rows: Iterable[dict[str, str | None]],
    *,
    source: str,
    pair: Pair | None,
    wall_ns: Callable[[], int],
    speed: float = 1.0,
    topics: Topics = MARKET,
) -> Iterator[Outgoing]:
    """Records of rows; a bad row becomes a reject.

    Parameters
    ----------
    rows
        As read; also in the order in which they are sent.
    source
        Name of the file, for rejects.
    pair
        What they are about; None: the rows say so.
    wall_ns
        What the clock says when a record is made, its receive time.
    speed
        A record is due when so much of the file's time has passed, at so many times its pace; 0: at once.
    topics
        Where they go.

    Yields
    ------
    Outgoing
        A quote, its event time as in the file; or a reject, which counts as one about the truth.
    """
    first_ns: int | None = None
    due_s: float | None = None
    for number, row in enumerate(rows):
        try:
            quote = quote_of(row, pair)
        except Refused as refused:
            raw = ",".join(str(value) for value in row.values()).encode()
            reject = reject_record(source, refused.reject, raw, partition=0, offset=number, at_ns=wall_ns())
            yield Outgoing(topics.rejects, source.encode(), orjson.dumps(reject), due_s, truth=True)
            continue
        event_ns = quote.event_ns or 0
        if first_ns is None:
            first_ns = event_ns
        due_s = max(0.0, (event_ns - first_ns) / 1e9 / speed) if speed else None
        record = quote_record(quote, event_ns=event_ns, source="exchange", receive_ns=wall_ns(), connection=0)
        yield Outgoing(topics.quotes, instrument_key(quote.instrument), orjson.dumps(record), due_s)
