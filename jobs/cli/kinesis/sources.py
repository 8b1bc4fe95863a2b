"""``cutbank kinesis sources``: sources.toml drafted from an application's text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli.kinesis.compile import Application
from jobs.cli.kinesis.import_ import write_new
from jobs.cli.output import AsJson, console, print_json
from jobs.cli.run import Values, parse_values
from jobs.kinesis.drafting import draft
from jobs.kinesis.source_tables import Reference, Source
from jobs.kinesis.sources_text import sources_text
from jobs.sql.source import read_source

_HEADING = (
    "Drafted from {file} by `cutbank kinesis sources`: what it reads and does not create, and where it ends.",
    "Check each line with a guess, and whether the members of your records are written as the columns are.",
)


def sources(
    file: Application,
    values: Values = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write; else it is printed.")] = None,
    force: Annotated[bool, typer.Option(help="Write over a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draft sources.toml from an application alone: its source streams, reference tables and destinations.

    Example: cutbank kinesis sources clickstream.sql --out sources.toml
    """
    found = draft(read_source(file, parse_values(values)))
    text = sources_text(found, heading=[line.format(file=file.name) for line in _HEADING])
    if out is not None:
        write_new({out: text}, force=force)
    if as_json:
        tables: dict[str, Source | Reference] = {**found.sources, **found.references}
        report: dict[str, Any] = {
            "sources": list(found.sources),
            "references": list(found.references),
            "destinations": list(found.destinations),
            "columns": {name: {c.name: str(c.type) for c in table.columns} for name, table in tables.items()},
            "out": None if out is None else str(out),
        }
        print_json(report)
    elif out is None:
        typer.echo(text, nl=False)
    else:
        counts = f"{len(found.sources)} sources, {len(found.references)} references"
        console().print(f"wrote {out}: {counts}, {len(found.destinations)} destinations", markup=False)
