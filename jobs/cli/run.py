"""``cutbank run``: submit a pipeline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli.output import AsJson, console, print_json, progress
from jobs.errors import SubmitError, UsageError
from jobs.settings import load_settings
from jobs.stack.rest import FlinkRest
from jobs.submit import Submitted, submit

Values = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Fill the placeholder ${KEY}.")]
File = Annotated[Path, typer.Argument(metavar="FILE.sql", help="The pipeline.")]


def run(
    file: File,
    values: Values = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Submit FILE.NAME.sql instead, a variant to run beside FILE.sql.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Begin anew, whatever was saved.")] = False,
    detach: Annotated[bool, typer.Option(help="Return as soon as the job runs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Submit a pipeline file as one Flink job, named like the file.

    It goes on from its last savepoint or retained checkpoint, if there is one. Without --detach this waits until the
    job ends; Ctrl-C leaves the job running.

    Example: cutbank run sql/loudness.sql --detach
    """
    settings = load_settings()
    file = file if preset is None else preset_of(file, preset)
    with progress(quiet=as_json) as tell:
        submitted = submit(settings, file, parse_values(values), fresh=fresh, progress=tell)
        _wait_until_running(FlinkRest(settings.flink_url), submitted, 60)
    if as_json:
        print_json(
            {
                "name": submitted.name,
                "job_id": submitted.job_id,
                "resumed_from": submitted.resumed_from,
                "topics_created": list(submitted.topics_created),
                "dashboard": f"{settings.flink_url}/#/job/running/{submitted.job_id}/overview",
            }
        )
    else:
        _tell(settings.flink_url, submitted)
    if not detach:
        _wait_for_end(FlinkRest(settings.flink_url), submitted)


def preset_of(file: Path, preset: str) -> Path:
    """The variant of a pipeline: ``market.original.sql`` beside ``market.sql`` is its preset ``original``.

    Raises
    ------
    UsageError
        There is no such file; the message names those there are.
    """
    found = file.with_name(f"{file.stem}.{preset}{file.suffix}")
    if found.is_file():
        return found
    names = sorted(other.name.split(".")[1] for other in file.parent.glob(f"{file.stem}.*{file.suffix}"))
    has = f"it has {', '.join(names)}" if names else f"there is no file {file.stem}.NAME{file.suffix} beside it"
    raise UsageError(f"--preset {preset}: {file.name} has no such preset; {has}")


def parse_values(values: list[str] | None) -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping.

    Raises
    ------
    UsageError
        One of them is not of that form.
    """
    parsed = {}
    for pair in values or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes KEY=VALUE, got {pair!r}")
        parsed[key] = value
    return parsed


def _tell(url: str, submitted: Submitted) -> None:
    out = console()
    start = f"going on from {submitted.resumed_from}" if submitted.resumed_from else "from the beginning"
    out.print(f"{submitted.name} runs, {start}", markup=False)
    if submitted.topics_created:
        out.print(f"topics created: {', '.join(submitted.topics_created)}", markup=False)
    out.print(f"dashboard: {url}/#/job/running/{submitted.job_id}/overview", markup=False, soft_wrap=True)


def _wait_until_running(rest: FlinkRest, submitted: Submitted, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        job = rest.job(submitted.job_id)
        if job.state in ("FAILED", "FAILING"):
            raise SubmitError(f"{submitted.name} failed: {_cause(rest, submitted.job_id)}")
        if job.state == "FINISHED" or (
            job.state == "RUNNING" and all(vertex.status in ("RUNNING", "FINISHED") for vertex in job.vertices)
        ):
            return
        time.sleep(0.2)
    raise SubmitError(f"{submitted.name} is {job.state} after {timeout_s:.0f} s; see {rest.url}")


def _wait_for_end(rest: FlinkRest, submitted: Submitted) -> None:
    while (job := rest.job(submitted.job_id)).is_live:
        time.sleep(0.5)
    if job.state == "FAILED":
        raise SubmitError(f"{submitted.name} failed: {_cause(rest, submitted.job_id)}")


def _cause(rest: FlinkRest, job_id: str) -> str:
    """The innermost cause of a job's newest exception, on one line."""
    for text in rest.exceptions(job_id)[:1]:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        python = [line for line in lines if "Error: " in line and not line.startswith(("at ", "Caused by"))]
        causes = python or [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
        return (causes or lines or ["no cause was recorded"])[-1]
    return "no cause was recorded"
