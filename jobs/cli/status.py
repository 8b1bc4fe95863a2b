"""``cutbank status``: what runs."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.cli.output import AsJson, console, duration, print_json, size
from jobs.settings import Settings, load_settings
from jobs.stack import Stack, StackStatus

_COLOUR = {"running": "green", "stopped": "dim", "dead": "red", "RUNNING": "green", "FINISHED": "dim"}
_JOBS_SHOWN = 12


def status(as_json: AsJson = False) -> None:
    """Show what of the local stack runs, on which ports, and the jobs of the cluster.

    Example: cutbank status --json
    """
    settings = load_settings()
    found = Stack(settings).status()
    if as_json:
        print_json(as_object(settings, found))
    else:
        show(settings, found, console())


def as_object(settings: Settings, found: StackStatus) -> dict[str, Any]:
    """The status as one JSON object."""
    return {
        "profile": settings.profile,
        "ready": found.ready,
        "dashboard": settings.flink_url,
        "bootstrap_servers": settings.bootstrap_servers,
        "kafka_answers": found.kafka_answers,
        "flink": None if found.flink is None else asdict(found.flink),
        "components": [asdict(component) for component in found.components],
        "jobs": [
            {"id": j.id, "name": j.name, "state": j.state, "start_time_ms": j.start_time_ms}
            for j in found.jobs
        ],
    }


def show(settings: Settings, found: StackStatus, out: Console) -> None:
    """The status for people."""
    if found.components:
        out.print(_processes(found))
        out.print()
    out.print("Kafka      ", _answer(found.kafka_answers), settings.bootstrap_servers)
    out.print(
        "Dashboard  ", _answer(found.flink is not None), f"[link={settings.flink_url}]{settings.flink_url}[/]"
    )
    if found.flink is not None:
        flink = found.flink
        out.print(
            f"Slots       {flink.slots_available} of {flink.slots_total} free (Flink {flink.flink_version})"
        )
    if settings.is_local:
        out.print("State      ", str(settings.state_dir))
    if found.jobs:
        out.print()
        out.print(_jobs(found))
        if len(found.jobs) > _JOBS_SHOWN:
            out.print(f"[dim]and {len(found.jobs) - _JOBS_SHOWN} older[/]")
    hint = _hint(found)
    if hint:
        out.print(f"\n{hint}")


def _processes(found: StackStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("process", "state", "id", "ports", "memory", "since"):
        table.add_column(column, justify="right" if column in ("id", "memory") else "left", no_wrap=True)
    for part in found.components:
        running = part.state == "running"
        table.add_row(
            part.name,
            f"[{_COLOUR[part.state]}]{part.state}[/]",
            str(part.pid) if part.pid is not None else "",
            " ".join(str(port) for port in part.ports.values()),
            size(part.memory_bytes) if running else "",
            duration(time.time() - part.started) if running and part.started is not None else "",
        )
    return table


def _jobs(found: StackStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("job", "state", "started", "id"):
        table.add_column(column, no_wrap=column != "job")
    now_ms = time.time() * 1000
    for job in found.jobs[:_JOBS_SHOWN]:
        colour = _COLOUR.get(job.state, "yellow" if job.is_live else "red")
        ago = f"{duration((now_ms - job.start_time_ms) / 1000)} ago"
        table.add_row(job.name, f"[{colour}]{job.state.lower()}[/]", ago, f"[dim]{job.id}[/]")
    return table


def _answer(yes: bool) -> str:
    return "[green]answers[/] at" if yes else "[red]no answer[/] at"


def _hint(found: StackStatus) -> str:
    dead = [part for part in found.components if part.state == "dead"]
    if dead:
        logs = ", ".join(part.log for part in dead)
        return f"`cutbank up` starts {' and '.join(part.name for part in dead)} again; why it died: {logs}"
    if any(part.state == "stopped" for part in found.components):
        return "`cutbank up` starts what is stopped"
    return ""
