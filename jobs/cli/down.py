"""``cutbank down``: stop the local stack."""

from __future__ import annotations

from jobs.cli.output import AsJson, console, print_json, progress
from jobs.settings import load_settings
from jobs.stack import Stack


def down(as_json: AsJson = False) -> None:
    """Stop exactly what `cutbank up` started, by process id.

    Pipelines that still run end without a savepoint; `cutbank run` continues them from their last checkpoint.
    Topics, checkpoints and logs stay in the state folder.

    Example: cutbank down
    """
    settings = load_settings()
    stack = Stack(settings)
    interrupted = [job.name for job in stack.status().jobs if job.is_live]
    with progress(quiet=as_json) as tell:
        stopped = stack.down(tell)
    if as_json:
        print_json({"stopped": stopped, "interrupted_jobs": interrupted})
        return
    out = console()
    out.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running", markup=False)
    if stopped and interrupted:
        names = ", ".join(sorted(set(interrupted)))
        out.print(f"pipelines that were running: {names}; `cutbank run` continues them", markup=False)
