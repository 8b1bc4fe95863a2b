"""``cutbank kinesis import``: a saved application as SQL and sources.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli.output import AsJson, console, print_json
from jobs.errors import UsageError
from jobs.kinesis.importing import file_name, import_application
from jobs.kinesis.sources import parse_sources
from jobs.kinesis.sources_text import sources_text


def import_(
    description: Annotated[
        Path, typer.Argument(metavar="APPLICATION.json", help="What `aws kinesisanalytics describe-application` gave.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write; made if it is not there.")] = Path(),
    force: Annotated[bool, typer.Option(help="Write over files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring over a saved application: its SQL, byte for byte, and sources.toml.

    The file is what `aws kinesisanalytics describe-application --application-name NAME` printed, or the same of
    kinesisanalyticsv2. What cannot be carried over is said.

    Example: cutbank kinesis import clickstream.json --out clickstream
    """
    try:
        text = description.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{description}: cannot be read: {error}") from error
    found = import_application(text, name=str(description))
    written = sources_text(
        found.sources, heading=(f"Inputs and outputs of {found.name}, made by `cutbank kinesis import`.", *found.notes)
    )
    parse_sources(written, name=f"{description}, as sources.toml")  # what cannot be read again is told now
    application, sources = out / file_name(found.name), out / "sources.toml"
    write_new({application: found.code, sources: written}, force=force)
    if as_json:
        report: dict[str, Any] = {"application": str(application), "sources": str(sources), "notes": list(found.notes)}
        print_json(report)
        return
    show = console()
    show.print(f"wrote {application} and {sources}", markup=False)
    for note in found.notes:
        show.print(f"  {note}", markup=False)
    show.print(f"next: cutbank kinesis compile {application} --sources {sources} --check", markup=False)


def write_new(files: dict[Path, str], *, force: bool) -> None:
    """Write texts, byte for byte, to files that are not there yet.

    Raises
    ------
    UsageError
        One is there and ``force`` is not given, or it cannot be written.
    """
    there = [str(file) for file in files if file.exists()]
    if there and not force:
        raise UsageError(f"{', '.join(there)}: there already; --force writes over it")
    for file, text in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error}") from error
