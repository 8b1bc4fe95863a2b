"""Writes ``sources.toml`` as a person would: one column a line, defaults left out, a comment beside each guess."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from jobs.kinesis.json_path import member
from jobs.kinesis.source_tables import Destination, Format, Reference, Source, SourceColumn, Sources


def sources_text(sources: Sources, *, heading: Sequence[str] = ()) -> str:
    """The text of a file that `jobs.kinesis.sources.parse_sources` reads back to equal tables.

    Parameters
    ----------
    sources
        What to write; a ``guess`` becomes a trailing comment ``# guess: why``.
    heading
        Lines of comment at the top, without ``#``.
    """
    blocks = ["\n".join(f"# {line}".rstrip() for line in heading)] if heading else []
    blocks += [_source(source) for source in sources.sources.values()]
    blocks += [_reference(reference) for reference in sources.references.values()]
    blocks += [_destination(destination) for destination in sources.destinations.values()]
    return "\n\n".join(blocks) + "\n"


def _source(source: Source) -> str:
    lines = [
        f"[sources.{_quoted(source.name)}]",
        f"topic = {_quoted(source.topic)}{_guess(source.guess)}",
        *_format(source.format, source.delimiter, "json"),
    ]
    if source.rowtime is not None:
        lines.append(f"rowtime = {_quoted(source.rowtime)}")
    return "\n".join([*lines, *_columns(source.columns)])


def _reference(reference: Reference) -> str:
    lines = [
        f"[references.{_quoted(reference.name)}]",
        f"file = {_quoted(reference.file)}{_guess(reference.guess)}",
        *_format(reference.format, reference.delimiter, "csv"),
    ]
    return "\n".join([*lines, *_columns(reference.columns)])


def _destination(destination: Destination) -> str:
    return "\n".join(
        [
            f"[destinations.{_quoted(destination.name)}]",
            f"topic = {_quoted(destination.topic)}{_guess(destination.guess)}",
            *_format(destination.format, destination.delimiter, "json"),
        ]
    )


def _format(form: Format, delimiter: str, default: Format) -> Iterable[str]:
    if form != default or form == "csv":
        yield f"format = {_quoted(form)}"
    if form == "csv" and delimiter != ",":
        yield f"delimiter = {_quoted(delimiter)}"


def _columns(columns: Iterable[SourceColumn]) -> Iterable[str]:
    """Names padded, so that types stand below each other."""
    known = list(columns)
    width = max((len(_quoted(column.name)) for column in known), default=0) + 1
    yield "columns = ["
    for column in known:
        yield f"  {_column(column, width)},{_guess(column.guess)}"
    yield "]"


def _column(column: SourceColumn, width: int) -> str:
    name = f"{_quoted(column.name)},"
    parts = [f"name = {name:<{width}} type = {_quoted(str(column.type))}"]
    if column.path is not None and column.path != member(column.name):
        parts.append(f"path = {_quoted(str(column.path))}")
    if column.not_null:
        parts.append("not_null = true")
    return "{ " + ", ".join(parts) + " }"


def _quoted(text: str) -> str:
    """A TOML basic string: escaped as in JSON, and DEL, which JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _guess(why: str | None) -> str:
    return "" if why is None else f"  # guess: {' '.join(why.split())}"
