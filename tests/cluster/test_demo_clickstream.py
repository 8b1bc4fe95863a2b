"""`cutbank demo clickstream` and its report as a user runs them: labels come late, and everything adds up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.settings import Settings
from jobs.stack import Stack
from tests.cluster.test_demo import demo, environment

#: Long enough for each campaign's better model to have served for a while, on a busy machine too.
SECONDS = 30


def test_predictions_are_joined_closed_or_pending_and_the_report_shows_who_took_over(
    stack: Stack, settings: Settings, read_committed: Callable[..., list[Any]], tmp_path: Path
) -> None:
    environ = environment(settings)
    run = subprocess.run(
        demo("clickstream", "--seconds", str(SECONDS), "--json"), env=environ, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    summary = json.loads(run.stdout)
    counts = {name: len(read_committed(name)) for name in (
        "impressions", "clicks", "clickstream-predictions", "clickstream-outcomes", "clickstream-decisions"
    )}  # fmt: skip
    assert summary["consistent"] is True and summary["stack_left_running"] is True
    assert counts["impressions"] == summary["read"] > 5_000 and counts["clicks"] == summary["labels"]
    assert counts["clickstream-predictions"] == summary["predicted"]
    assert counts["clickstream-outcomes"] == summary["joined"] + summary["closed"]
    assert summary["predicted"] == summary["joined"] + summary["closed"] + summary["pending"]
    assert counts["clickstream-decisions"] == sum(summary["decisions"].values())
    assert summary["decisions"]["promote"] >= 3, "five campaigns begin with a model that learns slowly"
    assert summary["metrics"]["all"]["accuracy"] > summary["metrics"]["all"]["baseline_prior"] + 0.1
    assert Path(summary["report"]).read_text().count("<svg") >= 6
    assert stack.status().ready and not stack.rest.live_jobs("clickstream")

    report = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "report", "clickstream", "--out", str(tmp_path / "page"), "--json"],
        env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert report.returncode == 0, report.stderr
    told = json.loads(report.stdout)
    assert Path(told["page"]).read_text() == Path(summary["report"]).read_text(), "the same topics, the same page"
    assert {Path(file).name for file in told["files"]} >= {"index.html", "f1.svg", "log-loss.png", "champions.svg"}
