"""The program that Flink runs to submit a pipeline file: ``flink run -py jobs/run_file.py FILE.sql [--set k=v ...]``.

It reads the file, expands it, creates the topics that are missing and submits one job. `cutbank run` calls it through
`flink run`; it works the same without us. Errors of the file are one line on standard error and exit code 2, and
nothing has been submitted then.

    flink run -d -py jobs/run_file.py sql/loudness.sql --set bootstrap_servers=broker:9092

How the workers come to have the packages is in docs/guide/own_cluster.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # called as a file: the packages lie beside this one's folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jobs.errors import CutbankError, UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """Build and submit, or only explain; returns the exit code."""
    options = _options(argv)
    try:
        values = _values(options.set)
        report = _run(options, values)
    except CutbankError as error:
        _write(options.report, {"error": str(error), "exit_code": error.exit_code})
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    _write(options.report, report)
    return 0


def _run(options: argparse.Namespace, values: Mapping[str, str]) -> dict[str, Any]:
    # everything that can be told without Flink is told before Flink is started
    from jobs.sql.calls import read_calls
    from jobs.sql.statements import read_script

    script = read_script(options.file, values)
    read_calls(script)

    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from jobs.expand.flink import keep_java_threads
    from jobs.expand.graph import build

    keep_java_threads()
    configuration = Configuration()
    if not options.under_flink:
        # planned outside of `flink run`: workers are not needed, but the interpreter has to be this one
        configuration.set_string("python.client.executable", sys.executable)
        configuration.set_string("python.executable", sys.executable)
    environment = StreamExecutionEnvironment.get_execution_environment(configuration)
    tables = StreamTableEnvironment.create(environment)
    pipeline = build(tables, script, options.name, to="show" if options.explain else "run")
    if options.explain:
        steps = [{"title": step.title, "text": step.text} for step in pipeline.steps]
        return {"name": options.name, "steps": steps, "plan": pipeline.plan}
    from jobs.topics import create_missing

    created = create_missing(pipeline.topics)
    job = environment.execute_async(options.name)
    return {"name": options.name, "job_id": str(job.get_job_id()), "topics_created": created}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run_file.py", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("file", type=Path, help="the pipeline")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="fill a placeholder ${KEY}")
    parser.add_argument("--name", help="name of the job; default: the file's name without .sql")
    parser.add_argument("--explain", action="store_true", help="plan only; run nothing")
    parser.add_argument("--report", type=Path, help="write the outcome as JSON to this file")
    options = parser.parse_args(argv)
    options.name = options.name or options.file.stem
    # `flink run` starts this process with the address of its gateway
    options.under_flink = "PYFLINK_GATEWAY_PORT" in os.environ
    return options


def _values(pairs: Sequence[str]) -> dict[str, str]:
    values = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes KEY=VALUE, got {pair!r}")
        values[key] = value
    return values


def _write(path: Path | None, report: Mapping[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(report))


if __name__ == "__main__":
    sys.exit(main())
