"""The summary of a demonstration: as an object, as text for people, and whether it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
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
        From the command until both pipelines' scores were visible; None where it ended before.
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
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("records", no_wrap=True)
    for one in summary.pipelines:
        table.add_column(one.name, justify="right", no_wrap=True)
    for title in ("read", "scored", "rejected", "late", "pending"):
        table.add_row(title, *(f"{getattr(one.counts, title):,}" for one in summary.pipelines))
    out.print(table)
    out.print()
    for one in summary.pipelines:
        out.print(_verdict(one))
    out.print()
    for one in summary.pipelines:
        out.print(f"{one.name}: {found_text(one)}")
        if one.latency is not None:
            out.print(
                f"[dim]{one.name}: event to visible score p50 {seconds_text(one.latency.p50_ms)}, "
                f"p99 {seconds_text(one.latency.p99_ms)} over {one.latency.records:,} records[/]"
            )
    for kind, rule in RULES.items():
        if any(one.known_kind == kind for one in summary.pipelines):
            out.print(f"[dim]a {kind} is found by {rule}[/]")
    out.print()
    if summary.first_scores_s is not None:
        out.print(f"first scores {summary.first_scores_s:.0f} s after the command")
    if summary.stack_left_running:
        out.print(f"broker and cluster ran before and go on: {summary.dashboard}")
    for problem in summary.problems:
        out.print(f"[red]problem:[/] {problem}", soft_wrap=True)


def _verdict(one: PipelineSummary) -> str:
    counts = one.counts
    parts = f"{counts.scored:,} + {counts.rejected:,} + {counts.late:,} + {counts.pending:,}"
    if counts.consistent:
        return f"[green]{one.name}: read {counts.read:,} = {parts}: every record is accounted for[/]"
    missing = counts.read - counts.accounted
    what = f"{missing:,} are missing" if missing > 0 else f"{-missing:,} are counted twice"
    return f"[red]{one.name}: read {counts.read:,}, but {parts} = {counts.accounted:,}: {what}[/]"


def found_text(one: PipelineSummary) -> str:
    """What was found, as one sentence."""
    found, kind = one.findings, one.known_kind
    text = f"{one.anomalies:,} {'anomaly' if one.anomalies == 1 else 'anomalies'} in {one.alerts:,} alerts; "
    if found.known:
        text += f"of {found.known} known {kind if found.known == 1 else _plural(kind)} {found.found} found"
    else:
        text += f"no known {kind} yet"
    if found.pending:
        text += f", {found.pending} still pending"
    return text


def _plural(kind: str) -> str:
    return {"shout": "shouts", "burst": "bursts"}[kind]


def seconds_text(milliseconds: int) -> str:
    """Milliseconds as seconds with one decimal."""
    return f"{milliseconds / 1000:.1f} s"
