"""What goes wrong at an exchange, as a script: faults at places of a recording, in the order they happen.

`plan` turns frames and faults into steps and is pure: the same script spoils the same frames in the same way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from feeds.exchanges.recording import Frame
from jobs.errors import UsageError

FRAME_FAULTS = {
    "duplicate": "`frames` frames come twice, the second time after all of them",
    "reorder": "`frames` frames come in reverse order",
    "gap": "`frames` frames do not come",
    "stale": "the `frames` frames in front come again, as a snapshot after subscribing may",
    "garbage": "`frames` frames of bytes that are no JSON come in between",
    "truncated": "a copy of each of `frames` frames comes first, cut in half",
    "missing_field": "a copy of each of `frames` frames comes first, without the field `value`",
    "damaged": "a copy of each of `frames` frames comes first, with `value` = [field, value] put in",
    "switched": "in `frames` frames the field `value` is a number instead of a text, or the other way round",
    "skew": "in so many `frames` every time is `value` milliseconds later (negative: earlier)",
}

LINK_FAULTS = {
    "cut": "the connection ends without a close frame; `frames` - 1 of them pass before anybody is back",
    "close": "the connection is closed with code `value` (1001 after 24 hours)",
    "goodbye": "the end is announced in the venue's own way; the frames go on when `value` clients are there",
    "silence": "nothing more comes, not even an answer to a ping, until the client has gone",
    "pings_only": "no frames come, but pings are sent and answered, until the client has gone",
}

KINDS = FRAME_FAULTS | LINK_FAULTS

DIALS = ("ok", "refuse", "close", "500", "502", "503", "429", "404")
"""What a dial may meet: acceptance, a reset, acceptance and an end at once, or an HTTP status."""


class Fault(NamedTuple):
    """One fault.

    Attributes
    ----------
    kind
        One of `KINDS`.
    at
        In front of which frame of the recording, from 0.
    frames
        How many frames it concerns.
    value
        What it takes beside.
    """

    kind: str
    at: int
    frames: int = 1
    value: Any = None


class Step(NamedTuple):
    """What the fake exchange does next.

    Attributes
    ----------
    do
        ``send``, or the kind of a link fault.
    frame
        What to send.
    was
        ``sent`` (a frame of the recording), ``repeated`` or ``broken`` (what the fault adds).
    value
        Of a link fault.
    """

    do: str
    frame: Frame
    was: str = "sent"
    value: Any = None


class Plan(NamedTuple):
    """A recording with its faults.

    Attributes
    ----------
    steps
        In order.
    skipped
        How many frames of the recording are left out.
    """

    steps: list[Step]
    skipped: int


def plan(frames: Sequence[Frame], faults: Sequence[Fault]) -> Plan:
    """Steps of a recording with faults; two frame faults at one frame are an error.

    Raises
    ------
    UsageError
        A fault of an unknown kind, out of the recording, or without what it needs.
    """
    steps: list[Step] = []
    skipped = 0
    position = 0
    waiting = sorted((_checked(fault, len(frames)) for fault in faults), key=lambda fault: fault.at)
    for fault in waiting:
        if fault.at < position:
            raise UsageError(f"{fault.kind} at {fault.at}: the fault in front of it reaches to frame {position}")
        steps += [Step("send", frame) for frame in frames[position : fault.at]]
        position = fault.at
        concerned = frames[position : position + fault.frames]
        if fault.kind in LINK_FAULTS:
            here = frames[min(position, len(frames) - 1)]
            steps.append(Step(fault.kind, here, fault.kind, fault.value))
            lost = fault.frames - 1
        else:
            steps += _spoiled(fault, concerned, frames[max(0, position - fault.frames) : position])
            lost = len(concerned) if fault.kind == "gap" else 0
            position += 0 if fault.kind in ("stale", "garbage") else len(concerned)
        if fault.kind in LINK_FAULTS:
            position += lost
        skipped += lost
    steps += [Step("send", frame) for frame in frames[position:]]
    return Plan(steps, skipped)


def _checked(fault: Fault, frames: int) -> Fault:
    if fault.kind not in KINDS:
        raise UsageError(f"fault {fault.kind!r}: expected one of {', '.join(sorted(KINDS))}")
    if fault.frames < 1 or fault.at < 0 or fault.at + fault.frames > frames + 1:
        raise UsageError(
            f"{fault.kind} at {fault.at}, frames {fault.frames}: expected places within the {frames} frames there are"
        )
    if fault.kind in ("missing_field", "switched") and not isinstance(fault.value, str):
        raise UsageError(f"{fault.kind} at {fault.at}: value: expected the name of a field, got {fault.value!r}")
    if fault.kind == "damaged" and not (isinstance(fault.value, list | tuple) and len(fault.value) == 2):
        raise UsageError(f"damaged at {fault.at}: value: expected [field, value], got {fault.value!r}")
    if fault.kind in ("skew", "close", "goodbye") and not isinstance(fault.value, int):
        raise UsageError(f"{fault.kind} at {fault.at}: value: expected a whole number, got {fault.value!r}")
    return fault


def _spoiled(fault: Fault, frames: Sequence[Frame], before: Sequence[Frame]) -> Iterator[Step]:
    kind, value = fault.kind, fault.value
    if kind == "duplicate":
        yield from (Step("send", frame) for frame in frames)
        yield from (Step("send", frame, "repeated") for frame in frames)
    elif kind == "reorder":
        yield from (Step("send", frame) for frame in reversed(frames))
    elif kind == "stale":
        yield from (Step("send", frame, "repeated") for frame in before)
    elif kind == "garbage":
        at_ns = frames[0].at_ns if frames else before[-1].at_ns
        yield from (Step("send", Frame(at_ns, b"\x00\xff{garbage"), "broken") for _ in range(fault.frames))
    elif kind in ("truncated", "missing_field", "damaged"):
        for frame in frames:
            yield Step("send", Frame(frame.at_ns, _broken(kind, value, frame.data)), "broken")
            yield Step("send", frame)
    elif kind in ("switched", "skew"):
        yield from (Step("send", Frame(frame.at_ns, _changed(kind, value, frame.data))) for frame in frames)


def _broken(kind: str, value: Any, data: bytes) -> bytes:
    if kind == "truncated":
        return data[: len(data) // 2]
    name = value if isinstance(value, str) else value[0]
    message = orjson.loads(data)
    for holder in _objects(message):
        if name in holder:
            if kind == "missing_field":
                del holder[name]
            else:
                holder[name] = value[1]
    return orjson.dumps(message)


def _changed(kind: str, value: Any, data: bytes) -> bytes:
    message = orjson.loads(data)
    for holder in _objects(message):
        if kind == "switched" and value in holder:
            held = holder[value]
            holder[value] = float(held) if isinstance(held, str) else str(held)
        elif kind == "skew":
            for name in ("E", "T", "ts"):
                if isinstance(holder.get(name), int):
                    holder[name] += value
                elif isinstance(holder.get(name), str):
                    holder[name] = str(int(holder[name]) + value)
    return orjson.dumps(message)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in list(value.values()):
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


class Script(NamedTuple):
    """A file of faults.

    Attributes
    ----------
    faults
        By venue; those of ``*`` are every venue's.
    dials
        What the first dials of every venue meet.
    """

    faults: dict[str, list[Fault]]
    dials: list[str]

    def of(self, venue: str) -> list[Fault]:
        """The faults of one venue."""
        return [*self.faults.get("*", []), *self.faults.get(venue, [])]


def read_script(path: Path) -> Script:
    """Read a TOML file: ``dials = ["503", "ok"]`` and any number of ``[[fault]]`` with kind, at, and, where
    needed, frames, value and venue.

    Raises
    ------
    UsageError
        No such file, no TOML, or something in it is unknown.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} is no TOML file: {error}") from error
    if unknown := set(content) - {"dials", "fault"}:
        raise UsageError(f"{str(path)!r}: unknown {', '.join(sorted(unknown))}; expected dials and [[fault]]")
    dials = content.get("dials", [])
    if not isinstance(dials, list) or any(dial not in DIALS for dial in dials):
        raise UsageError(f"{str(path)!r}: dials: expected a list of {', '.join(DIALS)}, got {dials!r}")
    faults: dict[str, list[Fault]] = {}
    for number, entry in enumerate(content.get("fault", []), 1):
        if unknown := set(entry) - {"kind", "at", "frames", "value", "venue"}:
            raise UsageError(f"{str(path)!r}: fault {number}: unknown {', '.join(sorted(unknown))}")
        try:
            fault = Fault(entry["kind"], int(entry["at"]), int(entry.get("frames", 1)), entry.get("value"))
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{str(path)!r}: fault {number}: expected kind and at, whole numbers: {error}") from error
        faults.setdefault(entry.get("venue", "*"), []).append(fault)
    return Script(faults, dials)
