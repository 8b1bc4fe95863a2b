"""How the tests are spread over processes, ``pytest -n 3``, and how their JVMs compile.

Three processes on two cores, because tests on a cluster wait more than they work.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# No JVM of a test lives long enough to earn back what compiling its code well costs: 99 s of processor time against 60
# for the plans of all pipelines. The room for code is as usual: what is set aside otherwise is too little for a
# TaskManager, and when it is full nothing is compiled any more. Nor does one hold enough to be collected by several
# threads: a seventh of what starting a cluster and submitting a pipeline cost went there.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC")

#: What shares something that is dear: tests of a line run in one process, which begin in this order. Those that kill,
#: go on and repeat have one stack, the others another, so that both take about as long, and one process has the JVM. In
#: a single process the first two share.
TOGETHER = {
    "cluster": ("tests/cluster/*",),
    "kills": (
        "tests/cluster/*failure*",
        "tests/cluster/*exact*",
        "tests/cluster/*resume*",
        "tests/cluster/*same_result*",
        "tests/cluster/*recommender*",
    ),
    "jobs": ("tests/jobs/*",),
}


def _group(nodeid: str) -> str | None:
    """What a test belongs to; the last line that fits counts."""
    fitting = [name for name, patterns in TOGETHER.items() if any(fnmatch(nodeid, each) for each in patterns)]
    return fitting[-1] if fitting else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups first, so that what takes longest does not begin last; the rest as it was."""
    order = [*TOGETHER, None]
    items.sort(key=lambda item: order.index(_group(item.nodeid)))


class _ByCost(LoadScopeScheduling):
    """A group goes to one process; all other tests follow, spread by file."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid) or nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Asked by pytest-xdist."""
    config.option.loadscopereorder = False  # the order is ours
    return _ByCost(config, log)
