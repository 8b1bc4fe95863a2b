"""``cutbank doctor``: what is missing or does not fit."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.markup import escape
from rich.table import Table

from jobs.cli.output import AsJson, console, print_json
from jobs.settings import load_settings
from jobs.stack.doctor import examine, is_fit

_MARK = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "missing": "[bold red]missing[/]"}


def doctor(as_json: AsJson = False) -> None:
    """Check what Cutbank needs: Java, packages, jars, compiled kernels, ports, disk, memory.

    Each problem comes with the command that repairs it. Exit code 1 when something is missing.

    Example: cutbank doctor
    """
    checks = examine(load_settings())
    fit = is_fit(checks)
    if as_json:
        print_json({"fit": fit, "checks": [asdict(check) for check in checks]})
    else:
        out = console()
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, style="bold")
        table.add_column(overflow="fold")
        for check in checks:
            repair = f"\n[cyan]→ {escape(check.repair)}[/]" if check.repair else ""
            table.add_row(_MARK[check.state], check.name, escape(check.detail) + repair)
        out.print(table)
        problems = sum(check.state == "missing" for check in checks)
        out.print()
        out.print(
            "everything is here" if fit else f"{problems} problem{'s' if problems != 1 else ''} to repair"
        )
    if not fit:
        raise typer.Exit(1)
