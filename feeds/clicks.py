"""The clicks feed: impressions of advertisements, and later whether they were clicked.

An impression is ``{"impression_id", "campaign", "event_time", "x0" .. "x9"}``, a label ``{"impression_id", "campaign",
"event_time", "clicked"}`` with 0 or 1; its time is the time at which it is known. The key of both is the campaign.

Rows come in messages of 100 to 109, twenty a second, as in the system this follows: 10,000 messages are 1,045,155
rows with seed 2011. Here one concept decides all clicks, or one after the other; `original` is that system's own
producer, which decides by a new concept in every message, so that nothing can be learned from one for the next.
"""

from __future__ import annotations

import heapq
import random as chance
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from feeds.concept import FEATURES, Concept, Floats, Labels, concept_and_rows
from feeds.label_delay import Delay
from feeds.records import Outgoing, event_time, to_json

IMPRESSIONS, CLICKS = "impressions", "clicks"
PARTITIONS = 2
SEED = 2011
#: Messages in full, messages a second, and campaigns.
MESSAGES, RATE, CAMPAIGNS = 10_000, 20.0, 5

ORIGINAL_TOPIC = "testbroker"
#: Digits behind the point in a feature: what a measurement of an advertisement would have.
DIGITS = 6


def truth_topic(topic: str) -> str:
    """Where it is told when the concept of `topic` changes."""
    return f"{topic}-truth"


def sizes(seed: int, messages: int | None = None) -> Iterator[int]:
    """Rows of each message, 100 to 109, as the original system draws them; None: without end."""
    random = chance.Random(seed)
    while messages is None or messages > 0:
        yield random.choice(range(100, 110))
        messages = None if messages is None else messages - 1


@dataclass(frozen=True, slots=True)
class Impression:
    """One row of a stream of clicks.

    Attributes
    ----------
    number
        From 0.
    offset_ms
        Milliseconds after the first.
    campaign
        Its key.
    features
        Columns and values, as they stand in the record.
    clicked
        Its label, 0 or 1.
    delay_ms
        How much later the label is known; None: never.
    change
        Which concept begins with this row; None: it is that of the row before.
    """

    number: int
    offset_ms: int
    campaign: str
    features: dict[str, object]
    clicked: int
    delay_ms: int | None
    change: int | None = None


def honest(
    *,
    seed: int = SEED,
    messages: int | None = MESSAGES,
    rate: float = RATE,
    campaigns: int = CAMPAIGNS,
    delay: Delay,
    lost: float = 0.0,
    drift: Sequence[int] = (),
) -> Iterator[Impression]:
    """Impressions that can be learned from.

    Parameters
    ----------
    seed
        The same seed, the same rows, of whatever length the stream is.
    messages
        How many of 100 to 109 rows; None: without end.
    rate
        Messages a second; the rows of one are spread evenly over its time.
    campaigns
        How many keys, ``campaign-1`` and so on, with one concept for all.
    delay
        How late labels come.
    lost
        Share of labels that never come, 0..1.
    drift
        Numbers of messages with which another concept begins.

    Yields
    ------
    Impression
        In the order of time.
    """
    rows, luck = np.random.RandomState(seed), chance.Random(seed + 1)
    concept, changes, number = Concept.drawn(rows), 0, 0
    turns = frozenset(drift)
    for message, count in enumerate(sizes(seed, messages)):
        turned = message in turns
        if turned:
            concept, changes = Concept.drawn(rows), changes + 1
        features, labels = concept.rows(rows, count)
        for k, (values, label) in enumerate(zip(np.round(features, DIGITS).tolist(), labels.tolist(), strict=True)):
            campaign = f"campaign-{luck.randrange(campaigns) + 1}"
            late, gone = delay.milliseconds(luck), luck.random() < lost
            yield Impression(
                number, int(1000 * (message + k / count) / rate), campaign,
                {f"x{column}": values[column] for column in range(FEATURES)}, label, None if gone else late,
                changes if turned and k == 0 else None,
            )  # fmt: skip
            number += 1


def records(
    impressions: Iterable[Impression],
    *,
    start_ms: int,
    speed: float | None = 1.0,
    topic: str = IMPRESSIONS,
    labels_topic: str = CLICKS,
    only_clicks: bool = False,
) -> Iterator[Outgoing]:
    """Impressions and labels, each at its time; the last labels come behind the last impression.

    Parameters
    ----------
    impressions
        In the order of time.
    start_ms
        Event time of offset 0, milliseconds since 1970.
    speed
        Times the stream's own pace; 0 or None: at once.
    topic, labels_topic
        Where they go; changes of the concept go to `truth_topic` of the first.
    only_clicks
        Leave labels 0 out: that an impression was not clicked is then for a timeout to find.

    Yields
    ------
    Outgoing
        In the order of event time; at equal times impressions come first.
    """
    waiting: list[tuple[int, int, Outgoing]] = []

    def due(offset_ms: int) -> float | None:
        return offset_ms / 1000 / speed if speed else None

    for each in impressions:
        while waiting and waiting[0][0] < each.offset_ms:
            yield heapq.heappop(waiting)[2]
        key, at = each.campaign.encode(), event_time(start_ms + each.offset_ms)
        identity = {"impression_id": each.number, "campaign": each.campaign}
        if each.change is not None:
            truth = {**identity, "event_time": at, "kind": "drift", "concept": each.change}
            yield Outgoing(truth_topic(topic), key, to_json(truth), due(each.offset_ms), truth=True)
        yield Outgoing(topic, key, to_json({**identity, "event_time": at, **each.features}), due(each.offset_ms))
        if each.delay_ms is None or (only_clicks and not each.clicked):
            continue
        known_ms = each.offset_ms + each.delay_ms
        label = {**identity, "event_time": event_time(start_ms + known_ms), "clicked": each.clicked}
        entry = Outgoing(labels_topic, key, to_json(label), due(known_ms))
        heapq.heappush(waiting, (known_ms, each.number, entry))
    while waiting:
        yield heapq.heappop(waiting)[2]


def original_rows(seed: int = SEED, messages: int | None = MESSAGES) -> Iterator[tuple[Floats, Labels]]:
    """The messages of the original system: features scaled by the first one's least and greatest, and labels.

    Parameters
    ----------
    seed
        Of the numbers of rows. The original system never seeded the numbers that the rows are made of; here they have
        the same seed, so that a run can be repeated.
    messages
        How many; None: without end.

    Yields
    ------
    tuple
        (n, 10) features and (n,) labels 0 and 1, of a concept of its own.
    """
    random = np.random.RandomState(seed)
    low = span = None
    for count in sizes(seed, messages):
        features, labels = concept_and_rows(random, count)
        if low is None:
            low, span = features.min(axis=0), np.ptp(features, axis=0)
        yield (features - low) / span, labels


def original(
    *, seed: int = SEED, messages: int | None = MESSAGES, rate: float = RATE, speed: float | None = 1.0,
    topic: str = ORIGINAL_TOPIC,
) -> Iterator[Outgoing]:  # fmt: skip
    """The records of the original system: ``{"X": [[10 numbers] ...], "y": [0 or 1 ...]}``, without key.

    Parameters
    ----------
    seed, messages
        As for `original_rows`.
    rate
        Messages a second; the original waits 0.05 seconds behind each.
    speed, topic
        As for `records`.
    """
    for number, (features, labels) in enumerate(original_rows(seed, messages)):
        value = to_json({"X": features.tolist(), "y": labels.tolist()})
        yield Outgoing(topic, None, value, number / rate / speed if speed else None)
