"""``cutbank vectors``: vectors of articles from their texts, at publish time and again with every update."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from feeds.pacing import stop_on_signals
from feeds.producer import Producer, ensure_topics
from feeds.records import Outgoing, to_json
from jobs.cli.output import AsJson, console, print_json, progress
from jobs.errors import UsageError
from jobs.item_vectors import Article, Publisher
from jobs.settings import Settings, load_settings
from jobs.stack.kafka_read import reader

ARTICLES, VECTORS = "media-articles", "item-vectors"


def vectors(
    dimensions: Annotated[int, typer.Option(min=2, max=1024, help="Components of a vector.")] = 100,
    every: Annotated[int, typer.Option(min=1, help="Train anew after so many articles and updates.")] = 1_000,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the articles that come, until Ctrl-C.")] = False,
    articles: Annotated[str, typer.Option(help="Topic of the articles.")] = ARTICLES,
    into: Annotated[str, typer.Option(help="Topic of the vectors, of one partition.")] = VECTORS,
    as_json: AsJson = False,
) -> None:
    """Train a model of the articles' texts, and publish a vector of each; a running job takes up new versions.

    Words are nouns of Japanese texts and no stop words of English ones; the model is TF-IDF with a truncated SVD. Every
    row has the model's version; one without an item says that a version is complete. USER_VECTOR reads them.

    Example: cutbank vectors --follow --every 500
    """
    settings = load_settings()
    with stop_on_signals() as stop, progress(quiet=as_json) as tell:
        ensure_topics(settings, {into: 1})
        publisher = Publisher(dimensions=dimensions, every=every, version=_last_version(settings, into))
        read = written = 0
        with reader(settings, articles) as records, Producer(settings, stop=stop) as producer:
            first, end = records.bounds()
            at = first

            def take(found: list[Any]) -> None:
                nonlocal read, written
                # two partitions come one after the other: by time, as far as it is there
                for record in sorted(map(json.loads, found), key=lambda record: str(record["event_time"])):
                    read += 1
                    for row in publisher.add(Article.of(record)):
                        written += 1
                        producer.send(Outgoing(into, None, to_json(row)))

            while not stop.requested:
                take([record.value for record in records.read(at, end) if record.value])
                tell(f"{read:,} articles, version {publisher.version}, {written:,} rows")
                if not follow:
                    break
                at, (_, end) = end, records.bounds()
                if at == end:
                    stop.wait(0.5)
            if publisher.model is None and not follow:
                raise UsageError(f"{articles} has {read:,} articles: too few to train on")
            producer.flush()
    result = {"articles": read, "rows": written, "version": publisher.version, "topic": into}
    if as_json:
        print_json({**result, "ended": round(time.time())})
    else:
        console().print(f"{into}: {written:,} rows of {read:,} articles, version {publisher.version}", markup=False)


def _last_version(settings: Settings, topic: str) -> int:
    with reader(settings, topic) as records:
        return max((json.loads(record.value)["version"] for record in records.last(1) if record.value), default=0)
