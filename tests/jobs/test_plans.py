"""Pipelines as the planner sees them: ours all plan, and what only it can refuse is told in one line at its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobs.errors import SqlError
from jobs.settings import PROJECT_ROOT
from jobs.sql.calls import read_calls
from jobs.sql.statements import Script, StatementKind, read_script
from tests.jobs.conftest import nodes_of

WRONG = sorted((PROJECT_ROOT / "tests" / "sql" / "wrong_planner").glob("*.sql"))
PIPELINES = sorted((PROJECT_ROOT / "sql").glob("*.sql"))
#: Sources that no model reads: they have no topic of late records, for those are the business of Flink's windows.
READ_BY_NO_MODEL = {
    "market": {"market_trades"}, "market.original": {"market_trades"}, "market_signals": {"links"},
    "recommender_rates": {"clicks", "lists"}, "recommender_follows": {"told"},
}  # fmt: skip
#: Calls where several tables or results meet: only there can rows be late that were not at their source.
MEETINGS = {"clickstream": {"predicted"}, "flights": {"plain", "windows"}, "recommender": {"answered"}}


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


class Planned(NamedTuple):
    """A pipeline of ours in an environment of its own."""

    file: Path
    script: Script
    tables: Any
    pipeline: Any


@pytest.fixture(scope="module", params=PIPELINES, ids=lambda file: file.stem)
def planned(request: pytest.FixtureRequest, new_tables: Callable[[], Any]) -> Planned:
    """Each of our pipelines; built once, which is what takes time."""
    from jobs.expand.graph import build

    file, tables = request.param, new_tables()
    script = read_script(file, {})
    return Planned(file, script, tables, build(tables, script, file.stem))


def test_our_pipelines_plan(planned: Planned) -> None:
    file, script, _, pipeline = planned
    *_, plan = pipeline.plan.partition("== Optimized Execution Plan ==")
    # what a view takes apart is taken apart once, however often the view is read
    assert plan and plan.count("Correlate(") <= sum(step.text.upper().count("UNNEST") for step in pipeline.steps)
    # every topic of the file is known to be created, and so are those of what is refused
    text = re.sub(r"\$\{[^}:]*:-([^}]*)\}", r"\1", file.read_text())
    declared = set(re.findall(r"(?:'topic'|'cutbank\.\w+\.topic') = '([^']+)'", text))
    reads = [s for s in script.of_kind(StatementKind.CREATE_TABLE) if "scan.startup.mode" in s.text]
    refused = {f"{t}-{w}" for t in declared for w in ("rejects", "late")}
    behind = {f"{file.stem}-{call}-late" for call in MEETINGS.get(file.stem, ())}
    assert reads and behind <= set(pipeline.topics) <= declared | refused | behind
    assert sum(topic.endswith("-rejects") for topic in pipeline.topics) == len(reads)


def test_each_record_is_read_once_and_each_model_runs_once(planned: Planned) -> None:
    """However many views and inserts read them; and operators are named and found after the calls of the file."""
    file, script, tables, pipeline = planned
    nodes = nodes_of(tables, pipeline)
    names = [node.name for node in nodes]
    sources = [s.name for s in script.of_kind(StatementKind.CREATE_TABLE) if "scan.startup.mode" in s.text]
    assert sources and sum(name.startswith("Source:") for name in names) == len(sources), names
    calls = [call for found in read_calls(script).values() for call in found]
    assert calls or file.stem in ("recommender_rates", "recommender_follows")  # which are plain SQL
    for call in calls:
        (host,) = [node for node in nodes if node.uid == call.name]
        assert host.name == f"{call.function.name} ({call.name})"
    for source in sources:
        assert sum(node.uid == f"{source}-refused" for node in nodes) == 1
    uids = [node.uid for node in nodes if node.uid is not None]
    assert len(set(uids)) == len(uids)
    inserts = [s.name for s in script.of_kind(StatementKind.INSERT)]
    for sink in [*inserts, *(f"{source} (rejects)" for source in sources)]:
        assert any(f"{sink}[" in name for name in names), (sink, names)
    late = {source for source in sources if any(f"{source} (late)[" in name for name in names)}
    assert late == set(sources) - READ_BY_NO_MODEL.get(file.stem, set())
    met = {call.name for call in calls if any(f"{call.name} (all late)[" in name for name in names)}
    assert met == MEETINGS.get(file.stem, set())
    assert len(late) + len(met) == sum(topic.endswith("-late") for topic in pipeline.topics)


def test_beats_are_made_without_state(new_tables: Callable[[], Any]) -> None:
    """A constant array of buckets would be joined, with a state that keeps every beat for ever."""
    from jobs.expand.graph import build

    file, tables = PROJECT_ROOT / "sql" / "clickstream.sql", new_tables()
    pipeline = build(tables, read_script(file, {}), "clickstream")
    (beats,) = [step.text for step in pipeline.steps if step.title.endswith("labels and beats, in buckets")]
    assert "UNNEST" in beats and "ARRAY[0, 1, 2" in beats
    assert not [node.name for node in nodes_of(tables, pipeline) if node.name.startswith(("Join", "Source: Values"))]
