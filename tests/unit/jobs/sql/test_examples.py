"""The examples in docstrings run, and give what they say."""

from __future__ import annotations

import doctest

import jobs.sql


def test_example_of_the_package() -> None:
    result = doctest.testmod(jobs.sql, raise_on_error=False)
    assert result.attempted > 5
    assert result.failed == 0
