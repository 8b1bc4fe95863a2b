"""The loudness feed: one record per block of sound, ``{"device", "event_time", "volume"}``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from feeds.blocks import Block, volume
from feeds.records import Outgoing, event_time, to_json
from feeds.room import room

TOPIC = "loudness"
PARTITIONS = 2
RATE = 20.0
"""Blocks a second."""

GAIN = 10.0
"""Brings a quiet room near 1 and a loud voice near 100."""


def truth_topic(topic: str) -> str:
    """Where the known events of `topic` go."""
    return f"{topic}-truth"


def in_step(devices: Mapping[str, Iterable[Block]]) -> Iterator[tuple[str, Block]]:
    """The blocks of several devices, one of each in turn; ends with the shortest."""
    for blocks in zip(*devices.values(), strict=False):
        yield from zip(devices, blocks, strict=True)


def loudness(
    blocks: Iterable[tuple[str, Block]],
    *,
    start_ms: int,
    gain: float = GAIN,
    speed: float | None = 1.0,
    seconds: float | None = None,
    topic: str = TOPIC,
) -> Iterator[Outgoing]:
    """Records of blocks, and in front of a block with which something known begins the truth about it.

    Parameters
    ----------
    blocks
        Device and block, in the order of time.
    start_ms
        Event time of offset 0, milliseconds since 1970.
    gain
        Factor of the volume, > 0.
    speed
        A record is due when its block has ended, at so many times the pace of the source; 0 or None: at once.
    seconds
        Only blocks which begin before this offset; None: all.
    topic
        Where the records go; the truth goes to `truth_topic` of it.

    Yields
    ------
    Outgoing
        `event_time` is the time at which the block began. Key: the device.

    Raises
    ------
    ValueError
        A sample is NaN or infinite.
    """
    for device, block in blocks:
        if seconds is not None and block.offset_s >= seconds:
            return
        at = event_time(start_ms + round(block.offset_s * 1000))
        due_s = (block.offset_s + block.length_s) / speed if speed else None
        key = device.encode()
        if block.onset:
            truth = {"device": device, "event_time": at, "kind": block.onset}
            yield Outgoing(truth_topic(topic), key, to_json(truth), due_s, truth=True)
        record = {"device": device, "event_time": at, "volume": volume(block.samples, gain)}
        yield Outgoing(topic, key, to_json(record), due_s)


def rooms(device: str, *, count: int, seed: int, rate: float = RATE) -> dict[str, Iterator[Block]]:
    """Synthetic rooms by device: `device` itself, or ``device-1`` to ``device-N`` where there are several."""
    names = [device] if count == 1 else [f"{device}-{number}" for number in range(1, count + 1)]
    return {name: room(seed, index=index, rate=rate) for index, name in enumerate(names)}


def room_records(
    seed: int,
    records: int,
    *,
    start_ms: int = 0,
    device: str = "room",
    devices: int = 1,
    rate: float = RATE,
    gain: float = GAIN,
) -> list[Outgoing]:
    """What ``cutbank feed loudness --source room`` sends, without Kafka and without waiting.

    Parameters
    ----------
    seed, device, devices, rate, gain
        As on the command line.
    records
        How many loudness records, of all devices together.
    start_ms
        Event time of the first, milliseconds since 1970.

    Returns
    -------
    list of Outgoing
        These records and the truth records among them, in the order they are sent; nothing after the last
        record.
    """
    sent = loudness(in_step(rooms(device, count=devices, seed=seed, rate=rate)), start_ms=start_ms, gain=gain, speed=0)
    taken: list[Outgoing] = []
    left = records
    while left > 0:
        taken.append(next(sent))
        left -= not taken[-1].truth
    return taken
