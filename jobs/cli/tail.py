"""``cutbank tail``: the committed records of a topic."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from jobs.cli.output import console, print_json
from jobs.errors import UsageError
from jobs.settings import load_settings
from jobs.stack.kafka_read import Record, TopicReader, reader

_DEFAULT_LAST = 10


def tail(
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new records until Ctrl-C.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="All records there are.")] = False,
    last: Annotated[
        int | None,
        typer.Option("--last", "-n", metavar="N", min=0, help=f"Begin with the last N; {_DEFAULT_LAST}."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object and nothing else; with --follow one a line.")
    ] = False,
) -> None:
    """Show the committed records of a topic: a table on a terminal, the plain values one a line in a pipe.

    A record of an exactly-once pipeline is committed, and shown, at the checkpoint after it.

    Example: cutbank tail loudness-alerts --follow
    """
    if from_beginning and last is not None:
        raise UsageError("--from-beginning and --last: give one of them")
    settings = load_settings()
    terminal = sys.stdout.isatty() and not as_json
    with reader(settings, topic) as records:
        first, end = records.bounds()
        known: list[Record] = []
        begun: Iterable[Record]
        if from_beginning:
            begun = records.read(first, end)
        else:
            begun = known = records.last(_DEFAULT_LAST if last is None else last, end)
        if as_json and not follow:
            print_json({"topic": topic, "records": [as_object(record) for record in begun]})
            return
        show = Columns(console(), known) if terminal else None
        _write(begun, show, as_json=as_json)
        if follow:
            _follow(records, end, show, as_json=as_json)


def _follow(records: TopicReader, start: dict[int, int], show: Columns | None, *, as_json: bool) -> None:
    try:
        for record in records.follow(start):
            _write([record], show, as_json=as_json)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return  # the ordinary end of --follow


def _write(records: Iterable[Record], show: Columns | None, *, as_json: bool) -> None:
    for record in records:
        if show is not None:
            show.add(record)
        elif as_json:
            print_json(as_object(record))
        elif record.value is not None:
            sys.stdout.buffer.write(record.value + b"\n")
            sys.stdout.buffer.flush()


def as_object(record: Record) -> dict[str, Any]:
    """A record as JSON: the value decoded where it is JSON, else as text, else as ``{"base64": ...}``."""
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": _time(record.timestamp_ms),
        "key": _decoded(record.key, parse=False),
        "value": _decoded(record.value, parse=True),
    }


def _decoded(data: bytes | None, *, parse: bool) -> Any:
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    if parse:
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            pass
    return text


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _time(timestamp_ms: int) -> str | None:
    """ISO 8601 in UTC with milliseconds; None where there is none or none the calendar knows."""
    if timestamp_ms < 0:
        return None
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Columns:
    """Prints records as lines of aligned columns; a column grows to the widest value seen so far.

    The header comes again when the columns change and after every screenful.

    Parameters
    ----------
    out
        Where to print.
    known
        Records that will be printed first; their values give the widths to begin with.
    """

    def __init__(self, out: Console, known: Iterable[Record] = ()) -> None:
        self._out = out
        self._names: tuple[str, ...] = ()
        self._widths: dict[str, int] = {}
        self._lines = 0
        for record in known:
            self._widen(_cells(record)[0])

    def add(self, record: Record) -> None:
        """Print one record."""
        cells, numbers = _cells(record)
        self._widen(cells)
        if tuple(cells) != self._names or self._lines >= self._out.height - 2:
            self._names = tuple(cells)
            self._header(numbers)
        line = Text(no_wrap=True, overflow="ellipsis")
        for name, cell in cells.items():
            width = self._widths[name]
            line.append((cell.rjust(width) if name in numbers else cell.ljust(width)) + "  ")
            if name in numbers:
                line.stylize("cyan", len(line) - width - 2, len(line) - 2)
        self._out.print(line)
        self._lines += 1

    def _widen(self, cells: dict[str, str]) -> None:
        for name, cell in cells.items():
            self._widths[name] = max(self._widths.get(name, 0), min(len(cell), 60), min(len(name), 40))

    def _header(self, numbers: set[str]) -> None:
        header = "  ".join(
            name.rjust(self._widths[name]) if name in numbers else name.ljust(self._widths[name])
            for name in self._names
        )
        self._out.print(Text(header, style="bold", no_wrap=True, overflow="ellipsis"))
        self._lines = 1


def _cells(record: Record) -> tuple[dict[str, str], set[str]]:
    """Texts by column, and the columns that hold numbers; a value that is no object is one column."""
    value = _decoded(record.value, parse=True)
    if not isinstance(value, dict) or not value:
        value = {"value": value}
    numbers = {n for n, part in value.items() if isinstance(part, int | float) and not isinstance(part, bool)}
    return {name: _cell(part) for name, part in value.items()}, numbers


def _cell(value: Any) -> str:
    """A value in few characters: floats with six digits, nested ones as compact JSON."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return " ".join(value.split()) if value.isprintable() else repr(value)
    return str(value) if isinstance(value, int) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
