"""The report as text: what the page of benchmarks shows."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.rcf.rows import aligned

MEASURES = ("accuracy", "f1", "kappa", "roc_auc", "average_precision", "log_loss", "brier")
HEAD = ("accuracy", "F1", "kappa", "ROC-AUC", "avg prec.", "log loss", "Brier")


def text(report: dict[str, Any]) -> str:
    """All tables."""
    facts = report["machine"]
    parts = [
        f"test-then-train, one pass; {facts['cores']} cores shared with other work, load {facts['load_before'][0]} "
        f"before and {facts['load_after'][0]} after"
    ]
    parts += [_stream(name, stream) for name, stream in report["streams"].items()]
    parts += [_late(report["late"]), _speed(report["speed"]), _keys(report["keys"])]
    return "\n\n".join(parts)


def _numbers(found: dict[str, Any]) -> tuple[str, ...]:
    return tuple("-" if found[name] is None else f"{found[name]:.4f}" for name in MEASURES)


def _spread(rates: list[int]) -> str:
    return " / ".join(f"{rate:,.0f}" for rate in (min(rates), statistics.median(rates), max(rates)))


def _stream(name: str, stream: dict[str, Any]) -> str:
    lines = [(f"{name} ({stream['rows']:,})", *HEAD, "over river", "rows/s, min / median / max")]
    for baseline, words in (("prior", "class prior"), ("last_class", "last class")):
        lines.append((f"baseline: {words}", *_numbers(stream["baselines"][baseline]), "-", "-"))
    for side in ("river", "ours"):
        for contender, found in stream[side].items():
            lines.append(
                (f"{side}: {contender}", *_numbers(found), _ratio(side, contender, stream), _spread(found["rates"]))
            )
    return aligned(lines)


def _ratio(side: str, contender: str, stream: dict[str, Any]) -> str:
    """How many times river's median rate, where both ran the same."""
    if side == "river" or contender not in stream["river"]:
        return "-"
    rates = [statistics.median(stream[which][contender]["rates"]) for which in ("ours", "river")]
    return f"{rates[0] / rates[1]:,.0f} x"


def _late(late: dict[str, Any]) -> str:
    lines = [("flights, labels ...", *HEAD[:2], "ROC-AUC", "log loss", "pending", "rows/s, min / median / max")]
    for delay, sides in late.items():
        for side in ("river", "ours"):
            for contender, found in sides[side].items():
                figures = (found[name] for name in ("accuracy", "f1", "roc_auc", "log_loss"))
                lines.append(
                    (
                        f"{delay}: {side}: {contender}", *(f"{figure:.4f}" for figure in figures),
                        f"{found['pending_max']:,}", _spread(found["rates"]),
                    )
                )  # fmt: skip
    return aligned(lines)


def _speed(speed: dict[str, dict[str, list[int]]]) -> str:
    lines = [("predict + learn, 8 columns, one core", "rows/s, min / median / max", "by processor time")]
    lines += [(name, _spread(rates["wall"]), _spread(rates["cpu"])) for name, rates in speed.items()]
    return aligned(lines)


def _keys(keys: dict[str, dict[str, int]]) -> str:
    lines = [("1,000,000 keys of 8 columns, MB", "by its own account", "growth of the process", "process at most")]
    for name, found in keys.items():
        megabytes = (found[place] / 1e6 for place in ("counted", "grown", "process_at_most"))
        lines.append((name, *(f"{size:,.0f}" for size in megabytes)))
    return aligned(lines)
