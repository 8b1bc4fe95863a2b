"""What commands have in common on the terminal: the --json option, progress and short texts for people."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from jobs.stack.stack import Progress

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def console(*, err: bool = False) -> Console:
    """Standard output (or error) for people: colours only on a terminal, values are never read as markup."""
    terminal = (sys.stderr if err else sys.stdout).isatty()
    return Console(stderr=err, highlight=False, width=None if terminal else 200)


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str))


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """A function that tells what is being done, on standard error: lines, and on a terminal a spinner."""
    if quiet:
        yield lambda _: None
        return
    out = console(err=True)
    started = time.monotonic()
    if not out.is_terminal:
        yield lambda message: out.print(message, markup=False)
        return
    with out.status("...", spinner="dots") as status:

        def tell(message: str) -> None:
            out.print(f"[dim]{time.monotonic() - started:5.1f} s[/] {message}")
            status.update(f"{message} ...")

        yield tell


def size(value: float) -> str:
    """Bytes as ``512 MB``; thousands, as disks and the system's own tools count."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit != "GB" else f"{value:.1f} GB"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """A time span in its two largest useful units: ``43 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
