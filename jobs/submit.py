"""Submitting a pipeline to the cluster, stopping it with a savepoint, and finding where it can go on from.

Every pipeline has its own folders for checkpoints and savepoints, so the newest complete one among them is where it
resumes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import CutbankError, SqlError, SubmitError, UsageError
from jobs.settings import PROJECT_ROOT, Settings
from jobs.sql.calls import read_calls
from jobs.sql.located import File
from jobs.sql.source import find_placeholders
from jobs.sql.statements import read_script
from jobs.stack import Stack
from jobs.stack.rest import FlinkRest, Job

RUN_FILE = PROJECT_ROOT / "jobs" / "run_file.py"
#: How long `flink run` may take: it plans, connects and submits.
SUBMIT_TIMEOUT_S = 300.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Submitted:
    """A pipeline that runs now."""

    name: str
    job_id: str
    resumed_from: str | None
    topics_created: tuple[str, ...]


def pipeline_name(file: Path) -> str:
    """A pipeline is named after its file."""
    return file.stem


def checkpoint_dir(settings: Settings, name: str) -> Path:
    """Where Flink keeps the checkpoints of a pipeline."""
    return settings.state_dir / "checkpoints" / name


def savepoint_dir(settings: Settings, name: str) -> Path:
    """Where `stop` writes the savepoints of a pipeline."""
    return settings.state_dir / "savepoints" / name


def latest_state(settings: Settings, name: str) -> Path | None:
    """The newest complete checkpoint or savepoint of a pipeline; None when it has none."""
    found = [
        metadata
        for folder in (checkpoint_dir(settings, name), savepoint_dir(settings, name))
        for metadata in folder.glob("**/_metadata")
    ]
    newest = max(found, key=lambda metadata: metadata.stat().st_mtime_ns, default=None)
    return None if newest is None else newest.parent


def submit(
    settings: Settings,
    file: Path,
    values: Mapping[str, str],
    *,
    fresh: bool = False,
    name: str | None = None,
    progress: Progress = lambda _: None,
) -> Submitted:
    """Submit a pipeline file as a job through `flink run`.

    Parameters
    ----------
    settings
        Which cluster.
    file, values
        The pipeline and its placeholders; `bootstrap_servers` is filled from the settings where the file has it.
    fresh
        Begin anew even where there is a savepoint or checkpoint.
    name
        Name of the job; default: the file's.

    Raises
    ------
    UsageError
        The file is wrong, or the pipeline runs already; nothing was submitted.
    SubmitError
        Flink did not take it.
    """
    name = name or pipeline_name(file)
    values = _checked(settings, file, values)
    stack = Stack(settings)
    if stack.rest.live_jobs(name):
        raise UsageError(f"{name} is already running; `cutbank stop {name}` ends it with a savepoint")
    resume = None if fresh else latest_state(settings, name)
    command = [str(stack.flink_executable), "run", "-d", "-m", settings.flink_url.partition("://")[2]]
    if resume is not None:
        command += ["-s", str(resume)]
    options = {
        "execution.checkpointing.dir": checkpoint_dir(settings, name).as_uri(),
        "execution.checkpointing.savepoint-dir": savepoint_dir(settings, name).as_uri(),
        "parallelism.default": str(settings.parallelism),
    }
    command += [f"-D{key}={value}" for key, value in options.items()]
    command += ["-py", str(RUN_FILE), str(file.resolve()), "--name", name]
    for key, value in values.items():
        command += ["--set", f"{key}={value}"]
    progress(f"planning {file.name}" + (f", going on from {resume.name}" if resume else ""))
    report = _call(command, stack.flink_env(), file)
    return Submitted(name, report["job_id"], str(resume) if resume else None, tuple(report["topics_created"]))


def explain(settings: Settings, file: Path, values: Mapping[str, str]) -> dict[str, Any]:
    """What a pipeline expands to and its plan; nothing runs, and neither broker nor cluster is needed."""
    values = _checked(settings, file, values)
    stack = Stack(settings)
    command = [sys.executable, str(RUN_FILE), str(file.resolve()), "--name", pipeline_name(file), "--explain"]
    for key, value in values.items():
        command += ["--set", f"{key}={value}"]
    return _call(command, stack.flink_env(), file)


def stop(settings: Settings, name: str) -> str:
    """Stop a pipeline with a savepoint; returns its path.

    Raises
    ------
    UsageError
        No pipeline of this name runs.
    """
    job = running(settings, name)
    return FlinkRest(settings.flink_url).stop_with_savepoint(job.id, directory=savepoint_dir(settings, name).as_uri())


def running(settings: Settings, name: str) -> Job:
    """The running job of a pipeline.

    Raises
    ------
    UsageError
        There is none.
    """
    rest = FlinkRest(settings.flink_url)
    jobs = rest.live_jobs(name)
    if not jobs:
        others = sorted({job.name for job in rest.live_jobs()})
        raise UsageError(f"{name} is not running" + (f"; there is {', '.join(others)}" if others else ""))
    return jobs[0]


def with_defaults(settings: Settings, file: Path, values: Mapping[str, str]) -> dict[str, str]:
    """The placeholders that are given, and the brokers of the settings where the file asks for them."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return dict(values)  # whoever reads the file in earnest says what is wrong with it
    placeholders, _ = find_placeholders(File(str(file), text))
    known = {"bootstrap_servers": settings.bootstrap_servers}
    asked = {placeholder.name for placeholder in placeholders}
    return {**{key: value for key, value in known.items() if key in asked}, **values}


def _checked(settings: Settings, file: Path, values: Mapping[str, str]) -> dict[str, str]:
    """The placeholders' values, once all that can be told without Flink has been: most mistakes, in no time."""
    values = with_defaults(settings, file, values)
    read_calls(read_script(file, values))
    return values


def _call(command: list[str], environ: Mapping[str, str], file: Path) -> dict[str, Any]:
    """Run the submitting program and give its report, or raise its error."""
    with tempfile.TemporaryDirectory(prefix="cutbank-") as folder:
        report_file = Path(folder) / "report.json"
        try:
            done = subprocess.run(
                [*command, "--report", str(report_file)],
                env=dict(environ),
                capture_output=True,
                text=True,
                timeout=SUBMIT_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SubmitError(f"{file}: Flink did not answer within {SUBMIT_TIMEOUT_S:.0f} s") from error
        report = json.loads(report_file.read_text()) if report_file.exists() else {}
    if "error" in report:
        # Flink was given the absolute path; the user reads the one they gave
        raise _as_raised(report["error"].replace(str(file.resolve()), str(file), 1), report["exit_code"])
    if done.returncode != 0 or not report:
        raise SubmitError(f"{file}: Flink did not take the job: {_last_cause(done.stdout + done.stderr)}")
    return dict(report)


def _as_raised(message: str, exit_code: int) -> CutbankError:
    file, line, column, *rest = [*message.split(":", 3), "", "", ""][:4] if message.count(":") >= 3 else [""] * 4
    if exit_code == UsageError.exit_code and line.isdigit() and column.isdigit():
        return SqlError(rest[0].strip(), file=file, line=int(line), column=int(column))
    return UsageError(message) if exit_code == UsageError.exit_code else SubmitError(message)


def _last_cause(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    python = [line for line in lines if re.match(r"[A-Z]\w*(Error|Exception): ", line)]
    if python:  # the traceback of the submitting program says more than Flink's "exits with code: 1"
        return python[-1]
    causes = [line for line in lines if line.startswith("Caused by: ") or "Error: " in line or "Exception: " in line]
    return (causes or lines or ["it said nothing"])[-1].removeprefix("Caused by: ")
