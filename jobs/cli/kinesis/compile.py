"""``cutbank kinesis compile``: what an application becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli.output import AsJson, print_json, progress
from jobs.cli.run import Values, parse_values
from jobs.kinesis.application import compile_file
from jobs.kinesis.drafting import draft
from jobs.kinesis.planning import check_plan
from jobs.kinesis.printing import Compiled
from jobs.kinesis.sources import read_sources
from jobs.settings import load_settings
from jobs.sql.source import read_source

Application = Annotated[Path, typer.Argument(metavar="APP.sql", help="The application, Kinesis SQL.")]
SourcesFile = Annotated[
    Path, typer.Option("--sources", metavar="SOURCES.toml", help="What stands for its streams and tables.")
]
MaybeSources = Annotated[
    Path | None,
    typer.Option("--sources", metavar="SOURCES.toml", help="What stands for its streams; else guessed from the text."),
]


def warn(compiled: Compiled) -> None:
    """Tell on standard error what one should know though the application runs."""
    for warning in compiled.warnings:
        typer.echo(f"warning: {warning}", err=True)


def compile_(
    file: Application,
    sources: MaybeSources = None,
    values: Values = None,
    check: Annotated[bool, typer.Option(help="Plan it on Flink too; needs no broker.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the Flink SQL pipeline that an application becomes; `cutbank run` accepts it.

    Without --sources its streams, columns and topics are guessed as `cutbank kinesis sources` does.

    Example: cutbank kinesis compile sql/kinesis/loudness.sql --sources sql/kinesis/sources.toml
    """
    given = parse_values(values)
    known = read_sources(sources) if sources is not None else draft(read_source(file, given))
    compiled = compile_file(file, known, given)
    warn(compiled)
    report: dict[str, Any] = {"name": compiled.name, "text": compiled.text, "warnings": list(compiled.warnings)}
    if check:
        with progress(quiet=as_json) as tell:
            tell(f"planning {file.name}")
            report["plan"] = check_plan(load_settings(), compiled)
    if as_json:
        print_json(report)
    else:
        typer.echo(compiled.text, nl=False)
