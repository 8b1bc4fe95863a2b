"""Recorded data, which lies outside of the repository: where a test finds it, and how it says that there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.settings import load_settings


def recorded_file(*parts: str) -> Path:
    """A file below the folder of the recorded data; a test that asks for one is marked real_data.

    Where it is not there the test skips, and says which file was wanted.
    """
    file = load_settings().data.joinpath(*parts)
    if not file.is_file():
        pytest.skip(f"{file} is not there: set CUTBANK_DATA to the folder of the recorded data")
    return file
