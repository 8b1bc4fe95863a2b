"""``cutbank kinesis discover``: the schema of a topic, from a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli.kinesis.import_ import write_new
from jobs.cli.output import AsJson, console, print_json
from jobs.kinesis.discovery import STREAM, discover
from jobs.kinesis.source_tables import Sources
from jobs.kinesis.sources_text import sources_text
from jobs.settings import load_settings
from jobs.stack.kafka_read import reader


def discover_(
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    rows: Annotated[int, typer.Option(metavar="N", min=1, help="Size of the sample: the last records.")] = 200,
    name: Annotated[str, typer.Option(metavar="STREAM", help="Name of the in-application stream.")] = STREAM,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write; else it is printed.")] = None,
    force: Annotated[bool, typer.Option(help="Write over a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Infer the columns of a topic from its last records, as AWS's schema discovery did, for sources.toml.

    Example: cutbank kinesis discover loudness --out sources.toml
    """
    with reader(load_settings(), topic) as records:
        sample = [record.value for record in records.last(rows) if record.value is not None]
    found = discover(topic, sample, stream=name)
    heading = [f"Inferred from {found.read} records of {topic} by `cutbank kinesis discover`."]
    if found.odd:
        heading.append(f"{found.odd} records of another kind were left out.")
    text = sources_text(Sources({name: found.source}, {}, {}), heading=heading)
    if out is not None:
        write_new({out: text}, force=force)
    if as_json:
        columns = [{"name": c.name, "type": str(c.type), "path": c.path and str(c.path)} for c in found.source.columns]
        report: dict[str, Any] = {"topic": topic, "stream": name, "format": found.source.format, "columns": columns}
        print_json(report | {"read": found.read, "odd": found.odd, "out": None if out is None else str(out)})
    elif out is None:
        typer.echo(text, nl=False)
    else:
        console().print(f"wrote {out}: {len(found.source.columns)} columns of {topic}", markup=False)
