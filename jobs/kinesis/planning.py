"""A compiled application on its way to Flink."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jobs.errors import SqlError
from jobs.kinesis.printing import Compiled
from jobs.settings import Settings
from jobs.submit import explain

#: Placeholders of every compiled pipeline.
OWN: Final = ("bootstrap_servers", "delay", "batch")


def own_values(values: Mapping[str, str]) -> dict[str, str]:
    """Of what ``--set`` gave, what belongs to the pipeline and not to the application."""
    return {key: value for key, value in values.items() if key in OWN}


def saved(settings: Settings, compiled: Compiled) -> Path:
    """The pipeline as a file among the stack's data, named like the application."""
    folder = settings.state_dir / "kinesis"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{compiled.name}.sql"
    file.write_text(compiled.text, encoding="utf-8")
    return file


def check_plan(settings: Settings, compiled: Compiled) -> str:
    """Flink's plan of a compiled application; needs neither broker nor cluster.

    Raises
    ------
    SqlError
        Flink refuses it; told at the statement of the application that it comes from.
    """
    with tempfile.TemporaryDirectory(prefix="cutbank-") as folder:
        file = Path(folder) / f"{compiled.name}.sql"
        file.write_text(compiled.text, encoding="utf-8")
        try:
            report: dict[str, Any] = explain(settings, file, {})
        except SqlError as error:
            raise located(compiled, error) from error
    return str(report["plan"])


def located(compiled: Compiled, error: SqlError) -> SqlError:
    """An error in the pipeline, at the statement of the application it comes from."""
    origin = compiled.origin(error.line)
    message = f"Flink refuses what this becomes (line {error.line} of the pipeline): {error.message}"
    return compiled.source.error(message, origin or 0)
