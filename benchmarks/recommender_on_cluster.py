"""Recorded clicks through Kafka and Flink: every ranking asked before each click, on a stack of the benchmark's own.

The same questions as offline, so the lists must be the same, each of them; that is checked here, with the figures.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.own_stack import own_stack
from jobs.cli.validating import report_on_cluster
from jobs.validation import period_of, read_clicks
from jobs.validation.report import MODELS

#: What both ways must agree in.
SAME = ("n", "ndcg@10", "se_ndcg@10", "hr@10", "mrr@10", "items_shown", "fallbacks")


def on_cluster(file: Path, most: int) -> dict[str, Any]:
    """The report of all rankings, with their lists from a topic."""
    clicks = read_clicks(file)
    with own_stack() as stack:
        return report_on_cluster(
            stack.settings, clicks, period_of(clicks, 7, 7), list(MODELS), most=most, seed=0,
            tell=lambda step: print(step, file=sys.stderr),
        )  # fmt: skip


def differences(offline: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Figures in which the cluster's lists and those of plain Python differ: none."""
    return [
        f"{name}: {key} {row[key]} on the cluster, {offline['models'][name][key]} offline"
        for name, row in found["models"].items()
        for key in SAME
        if row[key] != offline["models"][name][key]
    ]
