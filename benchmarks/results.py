"""Where figures go: one JSON file a benchmark, with what they were measured on."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("results")


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
