"""What pages say of settings, options, reasons, metrics, packages and figures is what there is."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from benchmarks.accuracy import pages
from jobs.expand.graph import FLINK_DEFAULTS, OWN_SETTINGS
from jobs.expand.table_options import OWN_OPTIONS
from jobs.settings import OTHER_VARIABLES, PROJECT_ROOT, Settings, describe_fields
from tests.unit.pages import DOCS, table
from udfs.labelled_bucket import Tally
from udfs.record_tap import REASONS
from udfs.vector_bucket import VectorTally


def test_every_setting_is_documented() -> None:
    rows = table(PROJECT_ROOT / "docs" / "guide" / "settings.md", "Setting")
    assert {name: tuple(cells) for name, cells in rows.items()} == {
        name: (default, meaning) for name, default, meaning in describe_fields()
    }


def test_variables_are_documented() -> None:
    documented = set(table(PROJECT_ROOT / "docs" / "guide" / "settings.md", "Variable"))
    internal = {"CUTBANK_PROCESS"}  # marks the stack's own processes
    assert documented == OTHER_VARIABLES - internal
    for page in DOCS:
        for variable in re.findall(r"\bCUTBANK_[A-Z_]*[A-Z]\b", page.read_text()):
            assert variable in documented or variable.removeprefix("CUTBANK_").lower() in Settings.model_fields, page


@pytest.mark.parametrize("page", ["docs/guide/settings.md", "docs/decisions/0003-state-as-log-and-snapshots.md"])
def test_what_a_file_may_set_is_documented(page: str) -> None:
    rows = table(PROJECT_ROOT / page, "SET")
    assert {name: tuple(cells) for name, cells in rows.items()} == OWN_SETTINGS


def test_the_settings_of_flink_we_start_from_are_documented() -> None:
    rows = table(PROJECT_ROOT / "docs" / "guide" / "settings.md", "Flink's option")
    assert {name: cells[0] for name, cells in rows.items()} == FLINK_DEFAULTS


def test_every_table_option_is_documented() -> None:
    rows = table(PROJECT_ROOT / "docs" / "guide" / "records.md", "Option")
    assert set(rows) == set(OWN_OPTIONS)
    for name, (default, _) in rows.items():
        said = OWN_OPTIONS[name]
        assert f"default {default}" in said or f"{default} (default)" in said, name


def test_names_of_ours_in_prose_exist() -> None:
    known = {*OWN_SETTINGS, *OWN_OPTIONS, "cutbank.snapshot.*", "cutbank.*"}
    for page in DOCS:
        for name in re.findall(r"\bcutbank\.[a-z][a-z.*-]*[a-z*]", page.read_text()):
            assert name in known or name in ("cutbank.zip",), f"{page.name}: {name}"


def test_every_reason_is_documented() -> None:
    assert set(table(PROJECT_ROOT / "docs" / "guide" / "records.md", "Reason")) == set(REASONS)


def metrics_in(module: str) -> set[str]:
    """Names that a module gives to counters and gauges; `{...}` for what is filled in."""
    names = set()
    for node in ast.walk(ast.parse((PROJECT_ROOT / module).read_text())):
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and bool(node.args)
        if is_method and node.func.attr in ("counter", "gauge", "distribution", "meter"):
            names.add(ast.unparse(node.args[0]).lstrip("f").strip("'\""))
    assert names, module
    return names


def test_every_metric_is_documented() -> None:
    made = set().union(*(metrics_in(f"udfs/{path.name}") for path in _modules_with_metrics()))
    made = {"rejected_<reason>" if name.startswith("rejected_") else name for name in made}
    made = made - {"each.name"} | {each.name for tally in (Tally, VectorTally) for each in fields(tally)}  # one by one
    assert set(table(PROJECT_ROOT / "docs" / "guide" / "operating.md", "Metric")) == made


def _modules_with_metrics() -> list[Path]:
    found = [path for path in (PROJECT_ROOT / "udfs").glob("*.py") if "get_metrics_group()" in path.read_text()]
    assert len(found) >= 2
    return found


def test_every_dependency_is_documented() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[<>=!~\[ ]", requirement)[0] for requirement in requirements}

    documented = set(table(PROJECT_ROOT / "docs" / "decisions" / "0005-dependencies.md", "Package"))
    extras = {extra: names(requirements) for extra, requirements in project["optional-dependencies"].items()}
    needed = names(project["dependencies"]) | extras["mic"] | extras["bench"]
    assert needed <= documented <= needed | extras["dev"]


def test_the_changelog_has_this_version_and_what_becomes_of_state() -> None:
    version = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["version"]
    _, *sections = re.split(r"^## ", (PROJECT_ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert sections[0].startswith(version)
    for section in sections:
        assert "**State**:" in section, section.splitlines()[0]


def test_the_page_on_anomalies_has_the_figures_that_were_measured() -> None:
    report = json.loads((PROJECT_ROOT / "benchmarks" / "results" / "accuracy.json").read_text())
    page = (PROJECT_ROOT / "docs" / "guide" / "anomalies.md").read_text()
    for figures in pages(report):
        assert figures in page
