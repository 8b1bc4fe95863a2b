"""``cutbank validate``: rankings over recorded clicks, in plain Python or through Kafka and Flink."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from jobs.cli.output import AsJson, console, print_json, progress
from jobs.cli.validating import report_on_cluster
from jobs.errors import UsageError
from jobs.settings import load_settings
from jobs.validation.clicks import Named, read_clicks
from jobs.validation.period import period_of
from jobs.validation.report import BASELINES, ERRORS, MODELS, report


class Protocol(StrEnum):
    """How rankings are asked."""

    SPLIT = "split"
    PREQUENTIAL = "prequential"


_NAMED = Named()


def validate(
    clicks: Annotated[Path, typer.Argument(help="Parquet file, one click a row.", show_default=False)],
    protocol: Annotated[Protocol, typer.Option(help="Asked before each click, or once.")] = Protocol.PREQUENTIAL,
    model: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A ranking; without it all of them.")] = None,
    train_days: Annotated[int, typer.Option(min=1, max=3650, help="Days before the test.")] = 7,
    test_days: Annotated[int, typer.Option(min=1, max=3650, help="Last days of the file, the test.")] = 7,
    most: Annotated[int, typer.Option(min=1, help="Questions at most, drawn by the seed.")] = 50_000,
    seed: Annotated[int, typer.Option(min=0, help="Breaks ties, and draws.")] = 0,
    user: Annotated[str, typer.Option(metavar="COLUMN", help="Who clicked.")] = _NAMED.user,
    item: Annotated[str, typer.Option(metavar="COLUMN", help="What was clicked.")] = _NAMED.item,
    time: Annotated[
        str, typer.Option(metavar="COLUMN", help="When: a timestamp, or a number since 1970.")
    ] = _NAMED.time,
    on_cluster: Annotated[
        bool, typer.Option("--on-cluster", help="Only prequential: through Kafka and Flink (`cutbank up`).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replay recorded clicks, and tell what the lists of each ranking were worth beside the two baselines.

    With prequential each click of the test is predicted, then learned; with split the days before the test are learned
    and each user is asked about once. A ranking passes that beats both baselines by more than two standard errors.

    With --on-cluster the clicks go into Kafka, the rankings run as a job, and the lists come back from a topic.

    Example: cutbank validate clicks.parquet --model blend --model covisit
    """
    if on_cluster and protocol is Protocol.SPLIT:
        raise UsageError("--on-cluster asks before each click: --protocol prequential")
    recorded = read_clicks(clicks, Named(user, item, time))
    period = period_of(recorded, train_days, test_days)
    with progress(quiet=as_json) as tell:
        spoken: list[str] = []

        def tell_models(message: str) -> None:
            # one line a ranking; on a terminal the spinner tells the rest
            name = message.partition(":")[0]
            if name not in spoken:
                spoken.append(name)
                tell(name)

        if on_cluster:
            names = list(dict.fromkeys([*BASELINES, *(model or MODELS)]))
            found = report_on_cluster(load_settings(), recorded, period, names, most=most, seed=seed, tell=tell)
        else:
            found = report(recorded, period, protocol.value, model or MODELS, most=most, seed=seed, tell=tell_models)
    if as_json:
        print_json(found)
        return
    out = console()
    out.print(_table(found))
    days = found["period"]
    out.print(
        f"test {days['test']} to {days['end']}, {found['asked']:,} questions of {found['users']:,} users "
        f"({found['repeated']:,} clicks on what was read before are left out), {found['clicks']:,} clicks learned, "
        f"{found['seconds']} s"
    )


#: Figures of a ranking in the table, by their names in the JSON.
FIGURES = ("ndcg@10", "se_ndcg@10", "hr@10", "mrr@10", "map@10_all", "map@10_min")


def _table(found: dict[str, Any]) -> Table:
    """The rankings, one a line; differences are of nDCG@10 on the same questions, with their standard error."""
    table = Table(box=None, header_style="bold")
    table.add_column(found["protocol"])
    for title in ("nDCG@10", "se", "HR@10", "MRR@10", "MAP@10 all", "MAP@10 min", "coverage", "unreachable", "filled"):
        table.add_column(title, justify="right")
    for name in BASELINES:
        table.add_column(f"less {name}", justify="right")
    table.add_column(f"beats both by {ERRORS:g} se")
    for name, row in found["models"].items():
        versus = (row["versus"].get(other) for other in BASELINES)
        table.add_row(
            name, *(f"{row[key]:.4f}" for key in FIGURES),
            *(f"{row[key]:.1%}" if key in row else "" for key in ("coverage", "unreachable")), f"{row['fallbacks']:,}",
            *("" if each is None else f"{each['difference']:+.4f} ± {each['se']:.4f}" for each in versus),
            "baseline" if name in BASELINES else "yes" if row["passes"] else "no",
        )  # fmt: skip
    return table
