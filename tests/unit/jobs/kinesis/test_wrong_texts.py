"""Texts that are wrong or cannot be kept: each is refused in one line, at its place, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import SqlError
from jobs.kinesis.application import compile_text
from jobs.kinesis.outside import Kafka
from jobs.kinesis.sources import read_sources
from jobs.settings import PROJECT_ROOT
from jobs.sql.source import read_source

CASES = PROJECT_ROOT / "tests" / "sql" / "kinesis"
WRONG = sorted((CASES / "wrong").glob("*.sql"))
SOURCES = read_sources(CASES / "default.toml")


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.stem)
def test_wrong_text_is_refused_at_its_place(case: Path) -> None:
    expected = case.read_text(encoding="utf-8").split("\n")[0].removeprefix("-- expect: ")
    with pytest.raises(SqlError) as refusal:
        compile_text(read_source(case), SOURCES, case.stem, Kafka(case.stem, CASES))
    error = refusal.value
    assert f"{error.line}:{error.column}: {error.message}" == expected
    assert "\n" not in str(error) and error.exit_code == 2


def test_there_are_cases() -> None:
    assert len(WRONG) >= 60
