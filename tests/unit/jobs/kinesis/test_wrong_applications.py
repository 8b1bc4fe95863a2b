"""Applications that are wrong or cannot be kept: each is refused at its place, in one line that says what was expected.

A case is ``tests/sql/kinesis_wrong/NAME.sql``; its first line is ``-- expect: line:column: message``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.errors import SqlError
from jobs.kinesis.application import compile_text
from jobs.kinesis.outside import Kafka
from jobs.kinesis.sources import read_sources
from jobs.settings import PROJECT_ROOT
from jobs.sql.located import File
from jobs.sql.source import fill

CASES = sorted((PROJECT_ROOT / "tests" / "sql" / "kinesis_wrong").glob("*.sql"))
SOURCES = read_sources(PROJECT_ROOT / "tests" / "sql" / "kinesis" / "default.toml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_wrong_application_is_refused_at_its_place(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    expected = text.partition("\n")[0].removeprefix("-- expect: ")
    with pytest.raises(SqlError) as refusal:
        compile_text(fill(File(case.name, text), {}), SOURCES, case.stem, Kafka(case.stem, case.parent))
    error = refusal.value
    assert f"{error.line}:{error.column}: {error.message}" == expected
    assert "\n" not in str(error) and error.exit_code == 2


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
