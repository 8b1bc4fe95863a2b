"""How the tests are spread over processes: ``pytest -n 2``."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Folders whose tests share what is dear, a broker with a cluster or a JVM, so one process runs all of them.
TOGETHER = ("tests/cluster/", "tests/jobs/")


class _ByCost(LoadScopeScheduling):
    """The folders that share something go to one process each, first; all others follow, spread by file."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Asked by pytest-xdist."""
    config.option.loadscopereorder = False  # the order of the folders begins with those that take longest
    return _ByCost(config, log)
