"""``cutbank functions``, and the reference page made by it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from jobs.cli.functions import functions, markdown
from jobs.errors import UsageError
from jobs.sql.calls import read_calls
from jobs.sql.located import File, LocatedText
from jobs.sql.statements import split
from udfs.functions.registry import FUNCTIONS

PAGE = Path(__file__).parents[4] / "docs" / "functions.md"

app = typer.Typer()
app.command()(functions)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False, env={"COLUMNS": "80"})
    assert result.exit_code == 0
    return result.stdout


def test_reference_page_is_current() -> None:
    """To make it anew: cutbank functions --markdown > docs/functions.md"""
    assert PAGE.read_text(encoding="utf-8") == run("--markdown")


def test_reference_page_names_everything() -> None:
    page = markdown(FUNCTIONS.values())
    for function in FUNCTIONS.values():
        section = page.split(f"## {function.name}\n")[1].split("\n## ")[0]
        for argument in function.arguments:
            where = page if argument.common else section
            assert f"| `{argument.name}` |" in where
        for column in function.added:
            assert f"| `{column.name}` | {column.sql_type} |" in section


def test_tables_of_the_page_are_whole() -> None:
    """Every row has the cells of its heading, so a bar in a text is escaped."""
    width = 0
    for line in PAGE.read_text(encoding="utf-8").split("\n"):
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = 0 if not line.startswith("|") else width or cells
        assert cells == width or not line.startswith("|"), line


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_examples_are_right(function: object) -> None:
    example = FUNCTIONS[function.name].example  # type: ignore[attr-defined]
    found = read_calls(split(LocatedText.whole(File("example.sql", example + "\nINSERT INTO o SELECT * FROM scored;"))))
    assert [call.function for calls in found.values() for call in calls] == [function]


def test_json_is_one_object_of_all_functions() -> None:
    described = json.loads(run("--json"))["functions"]
    assert [function["name"] for function in described] == list(FUNCTIONS)
    arguments = {argument["name"]: argument for argument in described[0]["arguments"]}
    assert arguments["sample_size"]["low"] == 10 and arguments["sample_size"]["default"] == 256
    assert arguments["on_time"]["required"] and arguments["on_time"]["default"] is None


def test_one_function_in_any_case() -> None:
    text = run("random_cut_forest")
    for word in ("RANDOM_CUT_FOREST", "sample_size", "10..8192", "anomaly_score", "default 256", "PARTITION BY device"):
        assert word in text
    assert "anomaly_explanation" not in text


def test_overview_lists_all() -> None:
    text = run()
    assert all(name in text for name in FUNCTIONS)


def test_unknown_function_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="there is no table function random_forest, did you mean RANDOM_CUT_FOREST"):
        CliRunner().invoke(app, ["random_forest"], catch_exceptions=False)
