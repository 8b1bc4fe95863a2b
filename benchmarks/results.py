"""Where figures go: one JSON file a benchmark, with what they were measured on."""

from __future__ import annotations

import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def machine() -> dict[str, Any]:
    """What a figure depends on, besides the code."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "load_before": [round(value, 1) for value in os.getloadavg()],
        "python": platform.python_version(),
        "architecture": platform.machine(),
    }


def write(name: str, report: dict[str, Any]) -> str:
    """Write a report; returns the file's path from the project's root."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps(report, indent=1) + "\n")
    return f"benchmarks/results/{file.name}"


def shown(page: str, name: str) -> str:
    """The figures of a benchmark that a page shows: what is fenced below the comment with its name."""
    return _fenced(name).search(page)[2]  # type: ignore[index]


def show(name: str, text: str, on: Path = PAGE) -> str:
    """Show a benchmark's figures on a page, that of benchmarks by default; its path from the project's root."""
    page, count = _fenced(name).subn(lambda found: f"{found[1]}{text}\n{found[3]}", on.read_text())
    if count != 1:
        raise SystemExit(f"{on.name} must have one fenced block below <!-- {name} -->, it has {count}")
    on.write_text(page)
    return f"docs/{on.name}"


def _fenced(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n```text\n)(.*?)(```\n)", re.DOTALL)
