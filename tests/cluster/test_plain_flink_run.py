"""A pipeline submitted as the README says, without our command: shipped code, right scores, nothing compiled again."""

from __future__ import annotations

import json
import random
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack
from jobs.stack.processes import wait_until
from models import kernel_cache
from tests.cluster.replay import forest_scores, iso

#: A metric of the model, and what it is called in the shipped copy only: so it is seen which code the workers run.
METRIC, COPIED_METRIC = '"rows_scored"', '"rows_scored_by_the_copy"'
START_MS = 1_790_000_000_000


def readme_block(language: str, beginning: str) -> str:
    """The README's fenced block that begins so."""
    text = (PROJECT_ROOT / "README.md").read_text()
    (found,) = [
        block for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        if block.startswith(beginning)
    ]  # fmt: skip
    return str(found)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages in another folder, one metric renamed; none of it is installed anywhere."""
    folder = tmp_path / "elsewhere"
    for package in ("jobs", "udfs", "models"):
        shutil.copytree(PROJECT_ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    host = folder / "udfs" / "model_host.py"
    text = host.read_text()
    assert text.count(METRIC) == 1
    host.write_text(text.replace(METRIC, COPIED_METRIC))
    (folder / "build").mkdir()
    return folder


@pytest.fixture
def kernels(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A kernel cache of this test's own, filled ahead of time, and a TaskManager whose workers use it."""
    subprocess.run([sys.executable, "-m", "models.kernel_cache"], cwd=PROJECT_ROOT, check=True, timeout=600)
    cache = tmp_path / "kernels"
    for module in kernel_cache.MODULES:
        filled = kernel_cache.folder_of(module)
        shutil.copytree(filled, cache / filled.name, dirs_exist_ok=True)
    monkeypatch.setenv(kernel_cache.VARIABLE, str(cache))
    # workers look for modules in the TaskManager's folder first: from the project's they would take its own
    monkeypatch.chdir(tmp_path)
    stack.restart_taskmanager()
    yield cache
    monkeypatch.undo()
    stack.restart_taskmanager()


def contents(cache: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of everything compiled in a kernel cache."""
    files = [path for path in cache.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(cache)): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def records(count: int) -> list[dict[str, Any]]:
    """A machine's metrics, a tenth of a second apart, with a burst; the last one only moves the watermark on."""
    rng = random.Random(4)
    rows = []
    for i in range(count):
        burst = 300 <= i < 305
        cpu, load = (rng.gauss(98.0, 0.5), 6.0) if burst else (rng.gauss(12.0, 2.0), rng.gauss(0.5, 0.1))
        time_ms = START_MS + 100 * i
        rows.append(
            {"host": "one", "event_time": iso(time_ms), "cpu_percent": cpu, "load_1m": load, "memory_percent": 40.0}
        )
    return [*rows, {**rows[-1], "event_time": iso(START_MS + 100 * count + 10_000)}]


def test_a_pipeline_runs_as_the_readme_says(
    stack: Stack,
    kernels: Path,
    copy: Path,
    tmp_path: Path,
    flink_run: Callable[..., str],
    new_topic: Callable[..., str],
    produce: Callable[..., None],
    read_committed: Callable[..., list[Any]],
) -> None:
    source, sink = new_topic("host-metrics", partitions=1), new_topic("busy", partitions=1)
    text = readme_block("sql", "-- busy.sql").replace("'host-metrics'", f"'{source}'").replace("'busy'", f"'{sink}'")
    (tmp_path / "busy.sql").write_text(text)
    sent = records(400)
    produce(source, sent)
    before = contents(kernels)
    assert any(name.endswith(".nbc") for name in before), "nothing was compiled ahead of time"

    archive, submission = re.sub(r"\\\n", " ", readme_block("bash", "python -m zipfile")).strip().splitlines()
    subprocess.run([sys.executable, *shlex.split(archive)[1:]], cwd=copy, check=True, timeout=60)
    ours = {
        "jobs/run_file.py": str(copy / "jobs" / "run_file.py"),
        "build/cutbank.zip": str(copy / "build" / "cutbank.zip"),
        "execution.checkpointing.interval=10s": "execution.checkpointing.interval=500ms",
        "busy.sql": str(tmp_path / "busy.sql"),
        "bootstrap_servers=broker:9092": f"bootstrap_servers={stack.settings.bootstrap_servers}",
    }
    program, run, detached, *arguments = shlex.split(submission)
    assert (program, run, detached) == ("flink", "run", "-d") and set(ours) <= set(arguments)
    job = flink_run(*[ours.get(word, word) for word in arguments])

    scored = [json.loads(record.value) for record in read_committed(sink, at_least=400, timeout_s=120)]
    (expected,) = forest_scores(sent[:400], "host", ("cpu_percent", "load_1m"), sample_size=128, seed=0).values()
    got = {row["event_time"]: (row["host"], row["cpu_percent"], row["anomaly_score"]) for row in scored}
    assert len(scored) == 400
    assert got == {row["event_time"]: (row["host"], row["cpu_percent"], score) for row, score in expected}
    assert max(score for _, _, score in got.values()) > 2.5

    def marks() -> list[str]:
        names = [name for vertex in stack.rest.vertices(job) for name in stack.rest.metric_names(job, vertex.id)]
        return [name for name in names if name.endswith(COPIED_METRIC.strip('"'))]

    assert wait_until(lambda: bool(marks()), 60), "the workers run other code than what was shipped"
    assert contents(kernels) == before, "kernels were compiled again"
