"""``cutbank kinesis run``: an application as a job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.kinesis.compile import Application, SourcesFile, warn
from jobs.cli.output import AsJson
from jobs.cli.run import Values, parse_values
from jobs.cli.run import run as run_pipeline
from jobs.errors import UsageError
from jobs.kinesis.application import compile_file
from jobs.kinesis.planning import own_values, saved
from jobs.kinesis.sources import read_sources
from jobs.settings import load_settings
from jobs.sql.suggest import did_you_mean


def run(
    file: Application,
    sources: SourcesFile = Path("sources.toml"),
    values: Values = None,
    fresh: Annotated[bool, typer.Option(help="Begin anew, whatever was saved.")] = False,
    detach: Annotated[bool, typer.Option(help="Return as soon as the job runs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run an application of Kinesis SQL, unchanged, as one Flink job named like the file.

    It goes on from its last savepoint or retained checkpoint, if there is one. --set fills placeholders of the
    application, and two of the pipeline it becomes: delay, the seconds that rows may be out of order at a source, and
    batch, the seconds of rows that a model gets at once.

    Example: cutbank kinesis run sql/kinesis/loudness.sql --sources sql/kinesis/sources.toml --detach
    """
    given = parse_values(values)
    ours = own_values(given)
    theirs = {key: value for key, value in given.items() if key not in ours}
    known = read_sources(sources)
    for reference in known.references.values():
        if not known.path_of(reference).exists():
            raise UsageError(
                f"{sources}: references.{reference.name}: there is no file {reference.file}; it is looked for beside "
                f"{sources.name}"
            )
    compiled = compile_file(file, known, theirs)
    warn(compiled)
    unused = [key for key in ours if f"${{{key}:-" not in compiled.text]
    if unused:
        hint = did_you_mean(unused[0], ["delay", "bootstrap_servers"])
        raise UsageError(f"--set {unused[0]}: this pipeline has no ${{{unused[0]}}}{hint}")
    pipeline = saved(load_settings(), compiled)
    run_pipeline(
        pipeline, [f"{key}={value}" for key, value in ours.items()], fresh=fresh, detach=detach, as_json=as_json
    )
