"""``cutbank feed clicks``: impressions and late labels, made up, recorded, or as the original system sent them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from feeds import clicks as stream
from feeds.clicks import Impression
from feeds.label_delay import parse_delay
from feeds.recorded_clicks import Recording
from feeds.records import Outgoing, parse_time
from jobs.cli.feeding import Console, Seconds, checked, feeding, played_by
from jobs.cli.output import AsJson
from jobs.errors import UsageError


class Protocol(Enum):
    """How rows are made."""

    HONEST = "honest"
    ORIGINAL = "original"


def clicks(
    protocol: Annotated[
        Protocol, typer.Option(help="honest: one concept; original: the system this follows, a concept a message.")
    ] = Protocol.HONEST,
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE.csv.gz", help="Replay a recorded stream with labels instead.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same rows.")] = stream.SEED,
    messages: Annotated[
        int, typer.Option(help="Made-up rows come in messages of 100 to 109; so many, 0: without end.")
    ] = stream.MESSAGES,
    rate: Annotated[
        float | None, typer.Option(help="Messages a second (20), or rows of a file without times (1000).")
    ] = None,
    speed: Annotated[
        float, typer.Option(help="Play so many times as fast; 0: as fast as possible. Event times keep their pace.")
    ] = 1.0,
    delay: Annotated[
        str,
        typer.Option(
            help="How late labels come: none, constant:S, uniform:FROM,TO, exponential:MEAN, lognormal:MEDIAN,SIGMA."
        ),
    ] = "exponential:30",
    lost: Annotated[float, typer.Option(help="Share of labels that never come, 0 to 1.")] = 0.0,
    only_clicks: Annotated[
        bool, typer.Option("--only-clicks", help="Send no labels 0: a timeout has to find them.")
    ] = False,
    drift: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Only honest: another concept from these messages on.")
    ] = None,
    campaigns: Annotated[int, typer.Option(help="Only honest: so many keys, campaign-1 to campaign-N.")] = (
        stream.CAMPAIGNS
    ),
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Only a file: its column with 0 or 1.")] = "label",
    key: Annotated[str | None, typer.Option(metavar="COLUMN", help="Only a file: this column is the campaign.")] = None,
    event_time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Only a file: the time of a row; without it an even pace.")
    ] = None,
    label_time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Only a file: when its label is known; without it --delay.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Event time of the beginning, ISO 8601 with a zone; by default now, or that of the file."),
    ] = None,
    seconds: Seconds = None,
    records: Annotated[int | None, typer.Option(help="End after so many impressions; their labels still come.")] = None,
    topic: Annotated[
        str | None, typer.Option(help="Topic of the impressions (impressions), or of the original (testbroker).")
    ] = None,
    labels_topic: Annotated[str, typer.Option(help="Topic of the labels.")] = stream.CLICKS,
    as_json: AsJson = False,
) -> None:
    """Impressions of advertisements, and later whether they were clicked.

    Impressions are {"impression_id", "campaign", "event_time", "x0" .. "x9"}, labels {"impression_id", "campaign",
    "event_time", "clicked"}, at the time at which they are known. In full there are 1,045,155 of each. A change of the
    concept is told in TOPIC-truth. The original sends {"X": rows, "y": labels} into one topic, 20 times a second.

    Example: cutbank feed clicks --seconds 60 --drift 600 --delay lognormal:20,1
    """
    _check(protocol, file, seed, messages, rate, speed, lost, campaigns, seconds, records)
    if protocol is Protocol.ORIGINAL:
        _original(seed, messages, rate, speed, records, seconds, topic or stream.ORIGINAL_TOPIC, as_json=as_json)
        return
    distribution, turns = parse_delay(delay), _turns(drift)
    start_ms = None if start is None else parse_time(start, option="--start")
    impressions: Iterator[Impression]
    if file is None:
        impressions = stream.honest(
            seed=seed, messages=messages or None, rate=rate or stream.RATE, campaigns=campaigns, delay=distribution,
            lost=lost, drift=turns,
        )  # fmt: skip
    else:
        recording = Recording(
            path=Path(file), label=label, key=key, event_time=event_time, label_time=label_time, rate=rate or 1000.0,
            delay=distribution, lost=lost, seed=seed,
        )  # fmt: skip
        start_ms = recording.start_ms() if start_ms is None else start_ms
        impressions = recording.impressions()
    into = topic or stream.IMPRESSIONS
    topics = {into: stream.PARTITIONS, labels_topic: stream.PARTITIONS}
    if turns:
        topics[stream.truth_topic(into)] = 1
    console = Console(into, as_json=as_json)
    sent = {into: 0, labels_topic: 0}
    with feeding(topics) as (producer, stop):
        outgoing = stream.records(
            _limited(impressions, seconds, records),
            start_ms=time.time_ns() // 1_000_000 if start_ms is None else start_ms,
            speed=speed,
            topic=into,
            labels_topic=labels_topic,
            only_clicks=only_clicks,
        )
        played = played_by(_counted(outgoing, sent), producer, stop, console, limit=None)
        producer.flush()
    counts = {"impressions": sent[into], "labels": sent[labels_topic]}
    console.summary(played, {"protocol": protocol.value, "file": file, **counts, "acknowledged": producer.acknowledged})


def _check(
    protocol: Protocol, file: str | None, seed: int, messages: int, rate: float | None, speed: float, lost: float,
    campaigns: int, seconds: float | None, records: int | None,
) -> None:  # fmt: skip
    checked("--seed", seed, least=0)
    checked("--messages", messages, least=0)
    checked("--rate", rate, above=0.0)
    checked("--speed", speed, least=0.0)
    checked("--lost", lost, least=0.0)
    checked("--campaigns", campaigns, least=1)
    checked("--seconds", seconds, above=0.0)
    checked("--records", records, least=1)
    if seed > 2**32 - 2:
        raise UsageError(f"--seed: expected a number up to {2**32 - 2}, got {seed}")
    if lost > 1:
        raise UsageError(f"--lost: expected a number from 0 to 1, got {lost:g}")
    if file is not None and protocol is Protocol.ORIGINAL:
        raise UsageError("--file and --protocol original: give one of the two")
    if file is not None and not Path(file).is_file():
        raise UsageError(f"--file: no file {file!r}; expected a CSV file with a header, .csv or .csv.gz")


def _turns(drift: str | None) -> tuple[int, ...]:
    """The messages at which the concept changes."""
    if drift is None:
        return ()
    parts = drift.split(",")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"--drift: expected numbers of messages above 0, such as 2000,5000, got {drift!r}")
    return tuple(int(part) for part in parts)


def _limited(impressions: Iterator[Impression], seconds: float | None, records: int | None) -> Iterator[Impression]:
    """The impressions up to both limits, the earlier one."""
    for each in islice(impressions, records):
        if seconds is not None and each.offset_ms >= 1000 * seconds:
            return
        yield each


def _counted(outgoing: Iterator[Outgoing], sent: dict[str, int]) -> Iterator[Outgoing]:
    """The records, counted by topic once the next is asked for: by then they were taken."""
    for record in outgoing:
        yield record
        if record.topic in sent:
            sent[record.topic] += 1


def _original(
    seed: int, messages: int, rate: float | None, speed: float, records: int | None, seconds: float | None, topic: str,
    *, as_json: bool,
) -> None:  # fmt: skip
    """The messages of the original system; `records` counts messages here."""
    console = Console(topic, as_json=as_json)
    pace = rate or stream.RATE
    limit = records if seconds is None else min(records or 2**62, max(1, round(seconds * pace)))
    with feeding({topic: 1}) as (producer, stop):
        outgoing = stream.original(seed=seed, messages=messages or None, rate=pace, speed=speed, topic=topic)
        played = played_by(outgoing, producer, stop, console, limit=limit)
        producer.flush()
    console.summary(played, {"protocol": Protocol.ORIGINAL.value, "acknowledged": producer.acknowledged})
