"""Pipelines as the planner sees them: ours all plan, and what only it can refuse is told in one line at its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import SqlError
from jobs.settings import PROJECT_ROOT
from jobs.sql.calls import read_calls
from jobs.sql.statements import StatementKind, read_script
from tests.jobs.conftest import nodes_of

WRONG = sorted((PROJECT_ROOT / "tests" / "sql" / "wrong_planner").glob("*.sql"))
PIPELINES = sorted((PROJECT_ROOT / "sql").glob("*.sql"))


def _header(case: Path) -> tuple[str, dict[str, str]]:
    """What a case expects and what it sets, from its first lines."""
    first, *rest = case.read_text(encoding="utf-8").split("\n")
    settings = [line.removeprefix("-- set: ") for line in rest if line.startswith("-- set: ")]
    return first.removeprefix("-- expect: "), dict(line.split("=", 1) for line in settings)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.stem)
def test_wrong_pipeline_is_refused_at_its_place(new_tables: Callable[[], Any], case: Path) -> None:
    from jobs.expand.graph import build

    expected, values = _header(case)
    with pytest.raises(SqlError) as refusal:
        build(new_tables(), read_script(case, values), case.stem)
    error = refusal.value
    assert f"{error.line}:{error.column}: {error.message}" == expected
    assert "\n" not in str(error) and error.exit_code == 2


def test_there_are_cases() -> None:
    assert len(WRONG) >= 30 and len(PIPELINES) >= 2


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.stem)
def test_our_pipelines_plan(new_tables: Callable[[], Any], file: Path) -> None:
    from jobs.expand.graph import build

    script = read_script(file, {})
    pipeline = build(new_tables(), script, file.stem)
    assert "Optimized Execution Plan" in pipeline.plan
    # every topic of the file is known to be created, and so are those of what is refused
    declared = set(re.findall(r"'topic' = '([^']+)'", file.read_text()))
    reads = [s for s in script.of_kind(StatementKind.CREATE_TABLE) if "WATERMARK" in s.text]
    assert reads and set(pipeline.topics) <= declared | {f"{t}-{w}" for t in declared for w in ("rejects", "late")}
    assert sum(topic.endswith("-rejects") for topic in pipeline.topics) == len(reads)


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.stem)
def test_each_record_is_read_once_and_each_model_runs_once(new_tables: Callable[[], Any], file: Path) -> None:
    """However many views and inserts read them; and operators are named and found after the calls of the file."""
    from jobs.expand.graph import build

    script, tables = read_script(file, {}), new_tables()
    nodes = nodes_of(tables, build(tables, script, file.stem))
    names = [node.name for node in nodes]
    sources = [s.name for s in script.of_kind(StatementKind.CREATE_TABLE) if "WATERMARK" in s.text]
    assert sources and sum(name.startswith("Source:") for name in names) == len(sources), names
    calls = [call for found in read_calls(script).values() for call in found]
    assert calls
    for call in calls:
        (host,) = [node for node in nodes if node.uid == call.name]
        assert host.name == f"{call.function.name} ({call.name})"
    for source in sources:
        assert sum(node.uid == f"{source}-refused" for node in nodes) == 1
    uids = [node.uid for node in nodes if node.uid is not None]
    assert len(set(uids)) == len(uids)
    inserts = [s.name for s in script.of_kind(StatementKind.INSERT)]
    for sink in [*inserts, *(f"{source} ({what})" for source in sources for what in ("rejects", "late"))]:
        assert any(f"{sink}[" in name for name in names), (sink, names)
