"""``cutbank kinesis``: applications of Kinesis Data Analytics for SQL.

Each sub-command is a module of this package and a function of the same name.
"""

from __future__ import annotations

import typer

from jobs.cli.kinesis.compile import compile_
from jobs.cli.kinesis.discover import discover_
from jobs.cli.kinesis.import_ import import_
from jobs.cli.kinesis.run import run
from jobs.cli.kinesis.sources import sources

app = typer.Typer(
    help="Run and translate Kinesis Data Analytics SQL. Example: cutbank kinesis run APP.sql --sources sources.toml",
    no_args_is_help=True,
    add_completion=False,
)
app.command("run")(run)
app.command("compile")(compile_)
app.command("import")(import_)
app.command("discover")(discover_)
app.command("sources")(sources)
