"""`cutbank run --preset`: which file it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.cli.run import preset_of
from jobs.errors import UsageError
from jobs.settings import PROJECT_ROOT


def test_a_preset_is_the_file_with_its_name_in_the_middle() -> None:
    assert preset_of(PROJECT_ROOT / "sql" / "market.sql", "original").name == "market.original.sql"


def test_a_preset_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    for name in ("one.sql", "one.b.sql", "one.a.sql", "other.sql"):
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=r"--preset c: one\.sql has no such preset; it has a, b"):
        preset_of(tmp_path / "one.sql", "c")
    with pytest.raises(UsageError, match=r"other\.sql has no such preset; there is no file other\.NAME\.sql beside it"):
        preset_of(tmp_path / "other.sql", "a")
