"""``cutbank feed media``: a made-up media site, or recorded clicks of readers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from feeds import media as made
from feeds import recorded_media
from feeds.media import MediaSite, Site
from feeds.records import Outgoing, parse_time
from jobs.cli.answering import Answers
from jobs.cli.feeding import Console, Records, Seconds, checked, feeding, played_by
from jobs.cli.output import AsJson
from jobs.errors import UsageError
from jobs.settings import load_settings
from jobs.validation.clicks import Clicks, Named, read_clicks

_NAMED = Named()
_SITE = Site()
PARTITIONS = 2


def media(
    seed: Annotated[int, typer.Option(help="The same seed, the same site.")] = _SITE.seed,
    users: Annotated[int, typer.Option(help="Readers.")] = _SITE.users,
    articles: Annotated[float, typer.Option(help="Articles a day.")] = _SITE.articles_a_day,
    rate: Annotated[float, typer.Option(help="Lists a second of event time, on average over a day.")] = _SITE.rate,
    drift: Annotated[float, typer.Option(help="Days after which a reader's taste is another.")] = _SITE.drift_days,
    japanese: Annotated[float, typer.Option(help="Share of articles in Japanese, 0 to 1.")] = _SITE.japanese,
    wanted: Annotated[int, typer.Option(help="Length of every list; 0: as measured on a news site.")] = _SITE.wanted,
    answers: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Show the lists of this topic where they come in time.")
    ] = None,
    patience: Annotated[
        float, typer.Option(help="Seconds, of the clock, from a request to its list: what an answer may take.")
    ] = _SITE.shown_after_ms / 1000,
    globo: Annotated[
        Path | None, typer.Option("--globo", metavar="FILE.parquet", help="Replay recorded clicks instead.")
    ] = None,
    ask: Annotated[
        int, typer.Option(metavar="N", help="Only a file: ask N rankings before each click, into prequential.")
    ] = 0,
    user: Annotated[str, typer.Option(metavar="COLUMN", help="Only a file: who clicked.")] = _NAMED.user,
    item: Annotated[str, typer.Option(metavar="COLUMN", help="Only a file: what was clicked.")] = _NAMED.item,
    at: Annotated[str, typer.Option(metavar="COLUMN", help="Only a file: when.")] = _NAMED.time,
    speed: Annotated[
        float, typer.Option(help="Play so many times as fast; 0: as fast as possible. Event times keep their pace.")
    ] = 1.0,
    start: Annotated[
        str | None, typer.Option(help="Event time of the beginning, ISO 8601 with a zone; by default now.")
    ] = None,
    seconds: Seconds = None,
    records: Records = None,
    as_json: AsJson = False,
) -> None:
    """Articles, requests, lists shown, clicks and follows of a media site.

    Five topics: media-articles {"item_id", "title", "text", "category", "language", "published", "revision"},
    media-requests {"request_id", "user_id", "wanted"}, media-lists with the items in the order of their positions,
    media-clicks {"user_id", "item_id", "request_id", "position"} and media-follows; all with "event_time". Lists,
    click-through rates, ages and the rhythm of a day are those of recorded sites; whom they belong to is made up.

    Recorded clicks keep the times they had. With --ask they are questions first, for `cutbank run sql/prequential.sql`.

    Example: cutbank feed media --seconds 60 --rate 20
    """
    checked("--patience", patience, least=0.0)
    _check(users, articles, rate, drift, japanese, wanted, speed, seconds, records, ask, globo, answers)
    start_ms = time.time_ns() // 1_000_000 if start is None else parse_time(start, option="--start")
    console = Console("media", as_json=as_json)
    sent: Counter[str] = Counter()
    topics = dict.fromkeys(made.TOPICS, PARTITIONS)
    recorded: Clicks | None = None
    if globo is not None:
        if start is not None:
            raise UsageError("--start and --globo: recorded clicks keep their times")
        recorded = _until(read_clicks(globo, Named(user, item, at)), seconds)
        topics = {recorded_media.QUESTIONS: 1} if ask else {recorded_media.CLICKS: PARTITIONS}
    with feeding(topics) as (producer, stop):
        if recorded is not None:
            outgoing = _recorded(recorded, ask, speed)
            played = played_by(_counted(outgoing, sent), producer, stop, console, limit=records)
        else:
            shown_after_ms = max(1, round(1000 * patience * (speed or 1.0)))
            site = Site(seed, users, articles, rate, drift, japanese, wanted, shown_after_ms)
            until_ms = None if seconds is None else start_ms + round(1000 * seconds)
            with Answers(load_settings(), answers, speed, start_ms, stop) as shown:
                outgoing = made.records(MediaSite(site, start_ms, shown), start_ms, speed, until_ms=until_ms)
                played = played_by(_counted(outgoing, sent), producer, stop, console, limit=records)
        producer.flush()
    console.summary(played, {"topics": dict(sent), "file": None if globo is None else str(globo)})


def _check(
    users: int, articles: float, rate: float, drift: float, japanese: float, wanted: int, speed: float,
    seconds: float | None, records: int | None, ask: int, globo: Path | None, answers: str | None,
) -> None:  # fmt: skip
    checked("--users", users, least=2)
    checked("--articles", articles, least=1.0)
    checked("--rate", rate, above=0.0)
    checked("--drift", drift, above=0.0)
    checked("--japanese", japanese, least=0.0)
    checked("--wanted", wanted, least=0)
    checked("--speed", speed, least=0.0)
    checked("--seconds", seconds, above=0.0)
    checked("--records", records, least=1)
    checked("--ask", ask, least=0)
    if japanese > 1:
        raise UsageError(f"--japanese: expected a number from 0 to 1, got {japanese:g}")
    if ask and globo is None:
        raise UsageError("--ask needs --globo FILE: only recorded clicks are asked about")
    if answers is not None and globo is not None:
        raise UsageError("--answers and --globo: readers of a recording saw what the site showed them then")
    if answers is not None and not speed:
        raise UsageError("--answers needs a --speed above 0: a list that is asked for has to come back in time")


def _until(clicks: Clicks, seconds: float | None) -> Clicks:
    return clicks if seconds is None else clicks[: clicks.before(int(clicks.times_ms[0]) + round(1000 * seconds))]


def _recorded(clicks: Clicks, ask: int, speed: float) -> Iterator[Outgoing]:
    rows = clicks.users.tolist(), clicks.items.tolist(), clicks.times_ms.tolist()
    if not ask:
        return recorded_media.clicks(*rows, speed=speed)
    return recorded_media.questions(*rows, np.ones(len(clicks), np.bool_).tolist(), rankings=ask, speed=speed)


def _counted(outgoing: Iterator[Outgoing], sent: Counter[str]) -> Iterator[Outgoing]:
    """The records, counted by topic once the next is asked for: by then they were taken."""
    for record in outgoing:
        yield record
        sent[record.topic] += 1
