"""How the demonstration of online learning looks: a table that is redrawn on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.demo.clickstream import CLICKS, DECISIONS, IMPRESSIONS, OUTCOMES, PREDICTIONS, Board, ClickSummary

#: The campaign of the row over all of them.
ALL: Final = "all"
_SHOWN: Final = ("champion", "n", "accuracy", "baseline_last_class", "baseline_prior", "f1", "log_loss", "roc_auc")


def drawn(board: Board) -> RenderableType:
    """A board as a terminal shows it."""
    return Group(Text(line(board)), metrics_table(board.metrics))


def line(board: Board) -> str:
    """A board on one line: how much has gone where, and the accuracy over all campaigns."""
    seen = board.seen
    text = (
        f"{seen[IMPRESSIONS]:,} impressions, {seen[PREDICTIONS]:,} predicted; {seen[CLICKS]:,} labels, "
        f"{seen[OUTCOMES]:,} outcomes, {seen[DECISIONS]:,} decisions; the job is {board.state}"
    )
    accuracy = board.metrics.get(ALL, {}).get("accuracy")
    return text if accuracy is None else f"{text}; accuracy {accuracy:.3f}"


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> Table:
    """The newest metrics of each campaign, beside the two baselines."""
    table = Table()
    table.add_column("campaign")
    for name in _SHOWN:
        table.add_column(name.replace("_", " "), justify="right")
    for campaign in sorted(metrics, key=lambda name: (name == ALL, name)):
        # the champion of the row that came last says nothing of all campaigns
        row = {**metrics[campaign], **({"champion": None} if campaign == ALL else {})}
        table.add_row(campaign, *(_cell(row.get(name)) for name in _SHOWN))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def as_object(summary: ClickSummary) -> dict[str, Any]:
    """The summary as JSON has it."""
    return {
        **asdict(summary.counts),
        "consistent": summary.counts.consistent,
        "metrics": summary.metrics,
        "decisions": summary.decisions,
        "report": summary.page,
        "savepoint": summary.savepoint,
        "seconds": round(summary.seconds, 1),
        "stack_left_running": summary.stack_left_running,
    }


def report(summary: ClickSummary, out: Console) -> None:
    """The summary for people: what became of everything, and how good the predictions were."""
    counts = summary.counts
    out.print(metrics_table(summary.metrics))
    out.print(
        f"impressions   {counts.read:,} read = {counts.predicted:,} predicted + {counts.rejected:,} rejected "
        f"+ {counts.late:,} late + {counts.unpacked:,} behind the last pack",
        markup=False,
    )
    out.print(
        f"predictions   {counts.predicted:,} = {counts.joined:,} joined with their label + {counts.closed:,} without "
        f"one in time + {counts.pending:,} pending",
        markup=False,
    )
    out.print(
        f"labels        {counts.labels:,} read = {counts.joined:,} joined + {counts.labels_unpacked:,} refused or "
        "behind the last pack",
        markup=False,
    )
    promoted, back = (summary.decisions.get(kind, 0) for kind in ("promote", "rollback"))
    out.print(f"models        {promoted} took over, {back} came back", markup=False)
    if summary.page is not None:
        out.print(f"curves        {summary.page}", markup=False, soft_wrap=True)
    verdict = "everything is accounted for" if counts.consistent else "THIS DOES NOT ADD UP"
    out.print(f"{verdict}; {summary.seconds:.0f} s in all", markup=False)
