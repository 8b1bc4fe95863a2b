"""Recorded lines into a topic, byte for byte as they stand in the file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kafka.partitioner.default import murmur2

from feeds.records import Outgoing

PARTITIONS = 2


@dataclass(slots=True)
class Replay:
    """How lines become records.

    Attributes
    ----------
    topic
        Where they go.
    key_column
        Which column of a line becomes the record's key; None: records without key.
    partition
        The one partition for all; None: by hash of the key.
    hash_partitions
        How many partitions the topic has, where lines without a key are to be spread by a hash of the line,
        so that the same file always fills the partitions alike; None: Kafka spreads them as it likes.
    rate
        Records a second; 0: as fast as possible.
    without_key
        How many lines had no usable key so far, where a key was wanted.
    """

    topic: str
    key_column: str | None = None
    partition: int | None = None
    hash_partitions: int | None = None
    rate: float = 0.0
    without_key: int = 0

    def records(self, lines: Iterable[bytes]) -> Iterator[Outgoing]:
        """Lines as records; only the line feed at the end of each is taken off.

        Nothing is checked: what is no JSON, or no UTF-8, or empty, goes as it is. The key of a text column is
        the text, of a number or truth value its JSON; a line in which the column is missing, null or no
        single value has none.
        """
        for number, line in enumerate(lines):
            value = line.removesuffix(b"\n")
            key = None if self.key_column is None else key_of(value, self.key_column)
            if self.key_column is not None and key is None:
                self.without_key += 1
            partition = self.partition
            if partition is None and key is None and self.hash_partitions is not None:
                partition = (murmur2(value) & 0x7FFFFFFF) % self.hash_partitions
            due_s = number / self.rate if self.rate else None
            yield Outgoing(self.topic, key, value, due_s, partition)


def key_of(value: bytes, column: str) -> bytes | None:
    """The key a JSON object has in `column`, or None where there is none to be had.

    Parameters
    ----------
    value
        Any bytes.
    column
        Name of a column at the top of the object.
    """
    try:
        record = json.loads(value)
        found = record.get(column) if isinstance(record, dict) else None
        if isinstance(found, str):
            return found.encode()
        return json.dumps(found).encode() if isinstance(found, bool | int | float) else None
    except (ValueError, RecursionError):  # no JSON, no UTF-8, half a surrogate, or nested too deep
        return None
