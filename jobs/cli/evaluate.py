"""``cutbank evaluate``: a learner over a recorded file, without a cluster."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from jobs.cli.output import AsJson, console, print_json
from jobs.errors import UsageError
from jobs.evaluation import Options, evaluate_file
from jobs.evaluation.table import Choice
from models.learners import ALGORITHMS


class Text(StrEnum):
    """What becomes of text columns."""

    HASHED = "hashed"
    ONE_HOT = "one-hot"


def evaluate(
    file: Annotated[Path, typer.Argument(help="CSV with a header line, plain or .gz.", show_default=False)],
    label: Annotated[str, typer.Option(metavar="COLUMN", help="The column to predict: 0 and 1, or numbers.")],
    algorithm: Annotated[str, typer.Option(metavar="NAME", help="A learner; a wrong name is answered with the list.")],
    param: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A parameter of the learner.")] = None,
    text: Annotated[Text | None, typer.Option(help="Text columns of linear learners.", show_default="hashed")] = None,
    category: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Take a column of numbers as text.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Leave a column out.")] = None,
    event_time: Annotated[str | None, typer.Option(metavar="COLUMN", help="When a row happened.")] = None,
    label_time: Annotated[str | None, typer.Option(metavar="COLUMN", help="When its label was known.")] = None,
    batch: Annotated[int, typer.Option(min=1, metavar="ROWS", help="Rows a call of algorithm sklearn.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Run a learner over a file in row order, and tell what its predictions were worth beside the baselines.

    Each row is predicted, then learned; with --event-time and --label-time its label is learned when it was known.

    Example: cutbank evaluate clicks.csv.gz --label clicked --algorithm logistic --param learning_rate=0.05
    """
    parameters = dict(_pair(given) for given in param or [])
    if text is not None:
        if algorithm in ALGORITHMS and "encoding" not in ALGORITHMS[algorithm].parameters:
            raise UsageError(f"--text: {algorithm} takes categories as they are; leave it out")
        parameters["encoding"] = text.value.replace("-", "_")
    choice = Choice(label, event_time, label_time, category or [], ignore or [])
    report = evaluate_file(file, choice, Options(algorithm, parameters, batch))
    if as_json:
        print_json(report)
        return
    out = console()
    out.print(_table(algorithm, report))
    waited = f", at most {report['pending_max']:,} waiting for their label" if event_time else ""
    out.print(f"{report['rows']:,} rows, {report['rows_per_second']:,} rows/s{waited}")


def _pair(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator or not name:
        raise UsageError(f"--param: expected K=V, got {given!r}")
    return name.strip(), value.strip()


def _table(algorithm: str, report: dict[str, Any]) -> Table:
    """The metrics, one a line, beside the baselines."""
    baselines = report["baselines"]
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for name in (algorithm, "last class", "class prior"):
        table.add_column(name, justify="right")
    for name in baselines["prior"]:
        row = (report[name], baselines["last_class"][name], baselines["prior"][name])
        table.add_row(name.replace("_", " "), *("-" if value is None else f"{value:.4f}" for value in row))
    return table
