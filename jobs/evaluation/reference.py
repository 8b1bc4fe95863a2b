"""The reference page of the learners, made from what they declare: ``python -m jobs.evaluation.reference``."""

from __future__ import annotations

import sys

from models.learners import ALGORITHMS, Algorithm

_HEAD = """# Learners

Every learner that `cutbank evaluate` takes as `--algorithm`, with its parameters (`--param`). [Which to choose, and
what they do](guide/learners.md). This page is made by `python -m jobs.evaluation.reference > docs/learners.md`.
"""


def markdown() -> str:
    """The page."""
    return "\n".join([_HEAD, *(_section(ALGORITHMS[name]) for name in sorted(ALGORITHMS))])


def _section(algorithm: Algorithm) -> str:
    lines = [
        f"## {algorithm.name}",
        "",
        f"{algorithm.help[0].upper()}{algorithm.help[1:]} ({algorithm.task}).",
        "",
        "| Parameter | Default | Range | Meaning |",
        "|---|---|---|---|",
    ]
    for name, parameter in sorted(algorithm.parameters.items()):
        default = str(parameter.default).lower() if isinstance(parameter.default, bool) else f"{parameter.default}"
        cells = (f"`{name}`", f"`{default}`", parameter.range.replace("|", "or"), parameter.help)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
