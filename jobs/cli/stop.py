"""``cutbank stop``: end a pipeline so that it can go on."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli.output import AsJson, console, print_json, progress
from jobs.settings import load_settings
from jobs.submit import stop as stop_pipeline


def stop(
    name: Annotated[str, typer.Argument(help="The pipeline: its file's name without .sql.")],
    as_json: AsJson = False,
) -> None:
    """Stop a running pipeline with a savepoint; `cutbank run` goes on from it.

    Example: cutbank stop loudness
    """
    settings = load_settings()
    with progress(quiet=as_json) as tell:
        tell(f"stopping {name} with a savepoint")
        path = stop_pipeline(settings, name)
    if as_json:
        print_json({"name": name, "savepoint": path})
    else:
        console().print(f"{name} stopped; its savepoint is {path}", markup=False, soft_wrap=True)
