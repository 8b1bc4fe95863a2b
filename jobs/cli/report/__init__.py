"""``cutbank report``: pages with curves, drawn from what a pipeline has written.

Each sub-command is a module of this package and a function of the same name.
"""

from __future__ import annotations

import typer

from jobs.cli.report.ab import ab
from jobs.cli.report.clickstream import clickstream

app = typer.Typer(
    help="Draw what a pipeline has written: one HTML page, and its figures. Example: cutbank report clickstream",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def reports() -> None:
    """Keep the names of reports even while there is one of them."""


app.command("ab")(ab)
app.command("clickstream")(clickstream)
