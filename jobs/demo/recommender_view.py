"""How the demonstration of the recommender looks: a table that is redrawn, and the report at its end."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.demo.recommender import CONTROL, TREATMENT, Board, Summary


def drawn(shown: Board) -> Table:
    """Click-through rate and hit rate of each ranking so far."""
    made = Table(box=None, header_style="bold", title=f"recommender: {shown.state}", title_justify="left")
    for title in ("ranking", "lists", "shown items", "clicks", "click-through rate", "lists with a click"):
        made.add_column(title, justify="left" if title == "ranking" else "right")
    for name in (CONTROL, TREATMENT):
        lists, items = shown.lists[name], shown.items[name]
        made.add_row(
            name, f"{lists:,}", f"{items:,}", f"{shown.clicks[name]:,}",
            f"{shown.clicks[name] / items:.2%}" if items else "-", f"{shown.hits[name] / lists:.1%}" if lists else "-",
        )  # fmt: skip
    return made


def line(shown: Board) -> str:
    """The same on one line."""
    rates = (
        f"{name} {shown.lists[name]:,} lists, {shown.clicks[name] / max(1, shown.items[name]):.2%}"
        for name in (CONTROL, TREATMENT)
    )
    return f"{shown.state}: {'; '.join(rates)}"


def report(summary: Summary, out: Console) -> None:
    """The summary for people."""
    counts = summary.counts
    out.print(drawn(summary.board))
    out.print()
    parts = (
        f"{counts.answered:,} answered + {counts.rejected:,} rejected + {counts.late:,} late + "
        f"{counts.pending:,} pending"
    )
    if counts.consistent:
        out.print(f"[green]requests {counts.read:,} = {parts}: every request is accounted for[/]")
    else:
        out.print(f"[red]requests {counts.read:,}, but {parts}; {counts.astray:,} astray[/]")
    out.print(
        f"lists shown: {counts.shown:,} made by the rankings, {counts.own:,} by the site itself, because no answer was "
        f"there in time; {counts.again:,} answers came again"
    )
    found = summary.report
    if found is None:
        out.print("Too few lists for an A/B report.")
    else:
        broken = "BROKEN, believe nothing below" if found.ratio.mismatch else "as intended"
        out.print(f"\n[bold]A/B: {TREATMENT} against {CONTROL}[/]")
        out.print(f"sample ratio {broken} (p = {found.ratio.p_value:.2g}): {found.users}")
        for name, each in (("click-through rate", found.ctr), ("left without a click", found.left)):
            out.print(
                f"{name}: {each.treatment:.2%} against {each.control:.2%}, difference {each.difference:+.2%} "
                f"({each.low:+.2%} to {each.high:+.2%}, p = {each.p_value:.3f} for one look)"
            )
        valid = found.looks[-1].always_valid
        out.print(f"whenever one looks: {valid.low:+.2%} to {valid.high:+.2%}, p = {valid.p_value:.3f}")
        out.print(f"smallest difference that is likely found: {found.detectable:.2%}")
        out.print("Made-up readers say nothing about people.")
        out.print(f"page: {summary.page}", soft_wrap=True)
    if not summary.stack_left_running:
        out.print("Everything that was started is stopped.")


def as_object(summary: Summary) -> dict[str, Any]:
    """The summary as one JSON object."""
    return {
        "consistent": summary.counts.consistent,
        **vars(summary.counts),
        "clicks": dict(summary.board.clicks),
        "ab": None if summary.report is None else summary.report.as_object(),
        "page": None if summary.page is None else str(summary.page),
        "savepoint": summary.savepoint,
        "seconds": round(summary.seconds, 1),
        "stack_left_running": summary.stack_left_running,
    }
