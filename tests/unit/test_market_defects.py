"""The defects of a naive market system: each has a test with its number in its name, and the page has it."""

from __future__ import annotations

import re

from jobs.settings import PROJECT_ROOT

DEFECTS = range(1, 23)
ROW = re.compile(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", re.MULTILINE)


def numbers_in(name: str) -> set[int]:
    """The defects that a test is named after: ``test_defect_12_20_and_21_...``."""
    found = re.search(r"_defect((?:_(?:and_)?\d+)+)(?:_|$)", name)
    return {int(number) for number in re.findall(r"\d+", found[1])} if found else set()


def tests_there_are() -> set[str]:
    files = (PROJECT_ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^def (test_\w+)\(", file.read_text(encoding="utf-8"), re.M)}


def test_numbers_are_read_from_names() -> None:
    assert numbers_in("test_defect_12_20_and_21_windows") == {12, 20, 21}
    assert numbers_in("test_the_rest_and_defect_19_an_empty_one") == {19}
    assert numbers_in("test_defects_are_none") == set()


def test_every_defect_has_a_test_that_the_page_names() -> None:
    rows = ROW.findall((PROJECT_ROOT / "docs" / "market.md").read_text(encoding="utf-8"))
    assert [int(number) for number, _ in rows] == list(DEFECTS)
    there = tests_there_are()
    for number, name in rows:
        assert name in there, f"defect {number}: there is no test {name}"
        assert int(number) in numbers_in(name), f"{name} is not named after defect {number}"
