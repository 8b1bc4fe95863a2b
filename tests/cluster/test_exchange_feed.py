"""The collector into a real broker: what Kafka has is what the exchange sent, whatever went wrong in between."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Callable

from feeds.exchanges import VENUES
from feeds.exchanges.collecting import collect
from feeds.exchanges.counts import Counts
from feeds.exchanges.fake import FakeExchange
from feeds.exchanges.faults import Fault
from feeds.exchanges.recording import Frame
from feeds.exchanges.timing import RealTiming
from feeds.exchanges.values import topics_named
from feeds.producer import Producer, ensure_topics
from jobs.settings import Settings
from jobs.stack.kafka_read import Record

FRAMES = 4000
T_MS = 1_700_000_000_000


class Hurried(RealTiming):
    """Real clocks; waits before dials are cut to a hundredth."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


def trade(number: int) -> Frame:
    data = {"e": "trade", "E": T_MS + number, "s": "BTCUSDT", "t": number, "p": "100.5", "q": "2", "m": False}
    value = {"stream": "btcusdt@trade", "data": data | {"T": T_MS + number}}
    return Frame(number, json.dumps(value).encode())


FAULTS = [
    Fault("duplicate", 100, 30),
    Fault("garbage", 400, 7),
    Fault("gap", 700, 11),
    Fault("cut", 1000, 6),
    Fault("reorder", 1500, 40),
    Fault("damaged", 1900, 3, ["p", "-1"]),
    Fault("close", 2500, 1, 1001),
    Fault("stale", 2600, 50),
    Fault("cut", 3000),
    Fault("switched", 3500, 9, "q"),
]


def test_frames_sent_are_records_duplicates_gaps_and_drops(
    settings: Settings, read_committed: Callable[..., list[Record]]
) -> None:
    topics = topics_named(f"market-{uuid.uuid4().hex[:8]}")
    frames = [trade(number) for number in range(FRAMES)]
    counts = Counts()

    async def collected(producer: Producer) -> None:
        async with FakeExchange("binance-spot", frames, faults=FAULTS, dials=["503", "ok", "close"]) as fake:
            tally = fake.tally
            async with asyncio.timeout(60.0):
                await collect(
                    VENUES["binance-spot"],
                    fake.url,
                    ["BTCUSDT"],
                    producer,
                    counts,
                    enough=lambda counts: (
                        fake.finished.is_set() and counts.frames >= tally.sent + tally.repeated + tally.broken
                    ),
                    timing=Hurried(),
                    rng=random.Random(3),
                    topics=topics,
                )
            assert tally.sent + tally.skipped == FRAMES
            assert (tally.repeated, tally.broken, tally.skipped) == (80, 10, 16)

    ensure_topics(settings, topics.partitions())
    with Producer(settings) as producer:
        asyncio.run(collected(producer))

    sent = [json.loads(record.value or b"") for record in read_committed(topics.trades, at_least=counts.trades)]
    rejects = [json.loads(record.value or b"") for record in read_committed(topics.rejects, at_least=10)]
    links = [json.loads(record.value or b"") for record in read_committed(topics.links, at_least=1)]

    # frames sent = records in Kafka + duplicates + gaps reported + dropped counted
    gaps = sum(link["missing"] for link in links if link["kind"] == "gap")
    assert len(sent) + counts.missing + counts.dropped == FRAMES
    assert (counts.missing, counts.duplicates, counts.dropped) == (16, 80, 0)
    assert gaps == counts.missing + counts.filled  # each was reported when it opened
    assert len({record["trade_id"] for record in sent}) == len(sent) == FRAMES - 16
    assert sorted(reject["reason"] for reject in rejects) == ["not_utf8"] * 7 + ["out_of_range"] * 3
    assert {record["size"] for record in sent} == {2.0}
    assert counts.attempts == 6  # a refusal, a connection closed at once, and three that the faults ended
    assert [link["kind"] for link in links].count("connected") == counts.connections == 5


def test_one_key_is_one_partition(settings: Settings, read_committed: Callable[..., list[Record]]) -> None:
    topics = topics_named(f"market-{uuid.uuid4().hex[:8]}")
    ensure_topics(settings, topics.partitions())
    frames = [trade(number) for number in range(200)]

    async def collected(producer: Producer) -> None:
        async with FakeExchange("binance-spot", frames) as fake, asyncio.timeout(60.0):
            done = fake.finished.is_set
            await collect(
                VENUES["binance-spot"],
                fake.url,
                ["BTCUSDT"],
                producer,
                Counts(),
                enough=lambda counts: done() and counts.frames >= 200,
                topics=topics,
            )

    with Producer(settings) as producer:
        asyncio.run(collected(producer))
    records = read_committed(topics.trades, at_least=200)
    assert {record.key for record in records} == {b"binance-spot|BTCUSDT"}
    assert len({record.partition for record in records}) == 1
    assert [int(json.loads(record.value or b"")["trade_id"]) for record in records] == list(range(200))
