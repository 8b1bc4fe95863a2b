"""``cutbank explain``: what a pipeline expands to."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.syntax import Syntax

from jobs.cli.output import AsJson, console, print_json, progress
from jobs.cli.run import File, Values, parse_values
from jobs.settings import load_settings
from jobs.submit import explain as explain_pipeline


def explain(
    file: File,
    values: Values = None,
    plan: Annotated[bool, typer.Option(help="Show Flink's plan too.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show the SQL a pipeline expands to, step by step, and Flink's plan of it. Nothing runs; no stack is needed.

    Example: cutbank explain sql/loudness.sql
    """
    settings = load_settings()
    with progress(quiet=as_json) as tell:
        tell(f"planning {file.name}")
        report = explain_pipeline(settings, file, parse_values(values))
    if as_json:
        print_json(report)
        return
    out = console()
    for step in report["steps"]:
        out.print(f"-- {step['title']}", style="bold", markup=False)
        if out.is_terminal:
            out.print(Syntax(step["text"], "sql", word_wrap=True, background_color="default"))
        else:
            out.print(step["text"], markup=False, soft_wrap=True)
        out.print()
    if plan:
        out.print("-- Flink's plan", style="bold", markup=False)
        out.print(report["plan"].partition("== Optimized Execution Plan ==")[2].strip(), markup=False, soft_wrap=True)
