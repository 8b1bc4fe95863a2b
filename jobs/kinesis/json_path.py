"""The paths by which a column finds its value in a JSON record: ``$.orders[0:].orderId``.

Source: "Working with JSONPath" of AWS's developer guide for Kinesis Data Analytics. A path is ``$`` and names. The only
index is ``[0:]``: as the last step it is the whole array in one value, before further names each element becomes a row
of its own. Only one array of a schema may be unrolled so. We also read one element, ``[2]``, and names in quotes and
brackets, ``['a.b']``, for names a dot cannot carry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"\s][^.\[\]'"]*)"""
    r"""|\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]"""
    r"""|\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]"""
    r"""|\[\s*(?P<index>\d+)\s*(?P<rest>:)?\s*\]"""
)
_PLAIN_NAME = re.compile(r"""[^.\[\]'"\s\\]+\Z""")


class Each:
    """The step ``[0:]``: every element of an array."""

    def __repr__(self) -> str:
        return "EACH"


EACH = Each()
Step = str | int | Each


@dataclass(frozen=True)
class JsonPath:
    """A path, step by step: a name, the number of an element, or `EACH`."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "$" + "".join(_written(step) for step in self.steps)

    @property
    def unrolled(self) -> JsonPath | None:
        """The array each element of which becomes a row; None where a record is one row."""
        for place, step in enumerate(self.steps):
            if isinstance(step, Each) and place + 1 < len(self.steps):
                return JsonPath(self.steps[:place])
        return None


def parse_path(text: str) -> JsonPath:
    """Read a path.

    Raises
    ------
    ValueError
        Saying at which character it stops being a path.
    """
    if not text.startswith("$"):
        raise ValueError(f"a path begins with $, for example $.volume; got {text!r}")
    steps: list[Step] = []
    place = 1
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            raise ValueError(f"expected .name, [0:] or ['name'] at character {place + 1} of {text!r}")
        steps.append(_step(match, text))
        place = match.end()
    if sum(isinstance(step, Each) for step in steps) > 1:
        raise ValueError(f"only one [0:] may stand in a path, got {text!r}")
    return JsonPath(tuple(steps))


def member(name: str) -> JsonPath:
    """The path of a member of the record itself."""
    return JsonPath((name,))


def _step(match: re.Match[str], text: str) -> Step:
    if match["index"] is not None:
        if match["rest"] is None:
            return int(match["index"])
        if int(match["index"]) != 0:
            raise ValueError(f"[0:] is the only range of elements, got [{match['index']}:] in {text!r}")
        return EACH
    if match["name"] is not None:
        return match["name"]
    quoted = match["single"] if match["single"] is not None else match["double"]
    return re.sub(r"\\(.)", r"\1", quoted)


def _written(step: Step) -> str:
    if isinstance(step, Each):
        return "[0:]"
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_NAME.match(step):
        return f".{step}"
    escaped = re.sub(r"(['\\])", r"\\\1", step)
    return f"['{escaped}']"
