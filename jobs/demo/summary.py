"""The summary of a demonstration: as an object, as text for people, and whether it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.demo.counting import Counts
from jobs.demo.findings import RULES, Alert, Findings, Known, anomalies, findings
from jobs.demo.live import Latency
from jobs.demo.pipelines import DemoPipeline


@dataclass(frozen=True)
class PipelineSummary:
    """What became of one pipeline's input, and what was found in it."""

    name: str
    known_kind: str
    counts: Counts
    alerts: int
    anomalies: int
    findings: Findings
    latency: Latency | None
    savepoint: str | None


@dataclass(frozen=True)
class Summary:
    """A whole demonstration.

    Attributes
    ----------
    first_scores_s
        From the command until the scores of all pipelines that are submitted at once were visible; None where it
        ended before.
    seconds
        From the command until the count was done.
    problems
        What went wrong on the way, a sentence each.
    """

    pipelines: tuple[PipelineSummary, ...]
    first_scores_s: float | None
    seconds: float
    dashboard: str
    stack_left_running: bool
    problems: tuple[str, ...]

    @property
    def consistent(self) -> bool:
        """Whether every record of every pipeline is accounted for."""
        return all(one.counts.consistent for one in self.pipelines)

    @property
    def exit_code(self) -> int:
        """0 where everything adds up and nothing went wrong, else 1."""
        return 0 if self.consistent and not self.problems else 1


def pipeline_summary(
    pipeline: DemoPipeline,
    counts: Counts,
    alerts: Sequence[Alert],
    events: Sequence[Known],
    latency: Latency | None,
    savepoint: str | None,
) -> PipelineSummary:
    """A pipeline's summary from what was counted and read."""
    return PipelineSummary(
        pipeline.name,
        pipeline.known,
        counts,
        len(alerts),
        len(anomalies(alerts)),
        findings(events, alerts, counts.scored_until_ms),
        latency,
        savepoint,
    )


def as_object(summary: Summary) -> dict[str, Any]:
    """The summary as one JSON object."""
    return {
        "consistent": summary.consistent,
        "first_scores_s": None if summary.first_scores_s is None else round(summary.first_scores_s, 1),
        "seconds": round(summary.seconds, 1),
        "dashboard": summary.dashboard,
        "stack_left_running": summary.stack_left_running,
        "problems": list(summary.problems),
        "pipelines": {one.name: _pipeline_object(one) for one in summary.pipelines},
    }


def _pipeline_object(one: PipelineSummary) -> dict[str, Any]:
    counts = one.counts
    return {
        "read": counts.read,
        "scored": counts.scored,
        "rejected": counts.rejected,
        "late": counts.late,
        "pending": counts.pending,
        "consistent": counts.consistent,
        "alerts": one.alerts,
        "anomalies": one.anomalies,
        "known": {
            "kind": one.known_kind,
            "scored": one.findings.known,
            "found": one.findings.found,
            "pending": one.findings.pending,
            "rule": RULES[one.known_kind],
        },
        "latency_ms": None if one.latency is None else {"p50": one.latency.p50_ms, "p99": one.latency.p99_ms},
        "savepoint": one.savepoint,
    }


def show(summary: Summary, out: Console) -> None:
    """The summary for people."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("", no_wrap=True)
    for one in summary.pipelines:
        table.add_column(one.name, justify="right", no_wrap=True)
    for title in ("read", "scored", "rejected", "late", "pending"):
        table.add_row(title, *(f"{getattr(one.counts, title):,}" for one in summary.pipelines))
    table.add_section()
    table.add_row("anomalies", *(f"{one.anomalies:,}" for one in summary.pipelines))
    table.add_row("known, and found", *(found_text(one) for one in summary.pipelines))
    table.add_row("event to score", *(_latency_text(one.latency) for one in summary.pipelines))
    out.print(table)
    out.print()
    for one in summary.pipelines:
        out.print(_verdict(one))
    out.print()
    for one in summary.pipelines:
        out.print(f"[dim]A {one.known_kind} is found by {RULES[one.known_kind]}.[/]")
    if any(one.latency is not None for one in summary.pipelines):
        out.print("[dim]Event to score: p50 and p99 until a reader of committed records has it.[/]")
    if summary.first_scores_s is not None:
        out.print(f"First scores {summary.first_scores_s:.0f} s after the command.")
    if summary.stack_left_running:
        out.print(f"Broker and cluster ran before and go on: {summary.dashboard}")
    else:
        out.print("Everything that was started is stopped.")
    for problem in summary.problems:
        out.print(f"[red]problem:[/] {escape(problem)}", soft_wrap=True)


def _verdict(one: PipelineSummary) -> str:
    counts = one.counts
    parts = f"{counts.scored:,} + {counts.rejected:,} + {counts.late:,} + {counts.pending:,}"
    if counts.consistent:
        return f"[green]{one.name}: read {counts.read:,} = {parts}: every record is accounted for[/]"
    missing = counts.read - counts.accounted
    what = f"{missing:,} are missing" if missing > 0 else f"{-missing:,} are counted twice"
    return f"[red]{one.name}: read {counts.read:,}, but {parts} = {counts.accounted:,}: {what}[/]"


def found_text(one: PipelineSummary) -> str:
    """How many known events were found: ``5 of 5 shouts``."""
    found, kind = one.findings, one.known_kind
    text = f"{found.found} of {found.known} {kind}{'' if found.known == 1 else 's'}"
    if not found.known:
        text = f"no {kind} yet"
    return text + (f", {found.pending} pending" if found.pending else "")


def _latency_text(latency: Latency | None) -> str:
    return "-" if latency is None else f"{seconds_text(latency.p50_ms)}, {seconds_text(latency.p99_ms)}"


def seconds_text(milliseconds: int) -> str:
    """Milliseconds as seconds with one decimal."""
    return f"{milliseconds / 1000:.1f} s"
