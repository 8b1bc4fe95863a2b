"""The parsers and the collector on recorded frames: every frame accounted for, golden tables, older dialects."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from feeds.exchanges import VENUES
from feeds.exchanges.collecting import collect
from feeds.exchanges.counts import Counts
from feeds.exchanges.fake import FakeExchange
from feeds.exchanges.market import Notice, Numbered, Quote, Record, Reject, TopChange, Trade
from feeds.exchanges.recording import Frame, read_recording
from jobs.settings import load_settings
from tests.unit.feeds.exchanges.conftest import DEADLINE_S, Topics

FOLDER = load_settings().data / "market"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded frames in {FOLDER}: set CUTBANK_DATA"),
]


def parsed(name: str, venue: str | None = None) -> dict[str, list[tuple[Record, ...]]]:
    found: dict[str, list[tuple[Record, ...]]] = defaultdict(list)
    for recorded, frame in read_recording(FOLDER / name):
        key = venue or recorded
        found[key].append(VENUES[key].parse(frame.data))
    return found


def kinds(frames: list[tuple[Record, ...]]) -> Counter[str]:
    return Counter(type(record).__name__ for records in frames for record in records)


@pytest.fixture(scope="module")
def binance() -> dict[str, list[tuple[Record, ...]]]:
    return parsed("binance_3venues_btc_eth_180s.jsonl.gz")


def test_every_frame_of_three_venues_is_a_trade_or_a_quote(binance: dict[str, list[tuple[Record, ...]]]) -> None:
    assert sum(map(len, binance.values())) == 115_595
    assert kinds(binance["binance-spot"]) == {"Trade": 7067, "Quote": 25_351}
    assert kinds(binance["binance-usdm"]) == {"Trade": 15_275, "Quote": 58_327}
    assert kinds(binance["binance-coinm"]) == {"Trade": 838, "Quote": 8737}


GOLDEN = [
    # venue, symbol, minute, n, volume, min, max, mean, population std (the design's table)
    ("binance-spot", "BTCUSDT", "23:56", 1011, 15.49778, 61_723.99, 61_782.26, 61_754.6083, 14.6995),
    ("binance-spot", "BTCUSDT", "23:57", 2069, 59.29235, 61_651.01, 61_735.99, 61_693.3098, 26.9405),
    ("binance-usdm", "BTCUSDT", "23:56", 1992, 203.14300, 61_700.00, 61_760.40, 61_729.9243, 17.1951),
    ("binance-usdm", "BTCUSDT", "23:57", 4717, 607.14800, 61_620.00, 61_719.00, 61_672.2510, 31.9839),
    ("binance-usdm", "ETHUSDT", "23:57", 2384, 1378.28400, 2677.90, 2681.15, 2679.6896, 0.8491),
    ("binance-coinm", "BTCUSD_PERP", "23:57", 479, 21_428, 61_632.00, 61_720.50, 61_676.9601, 27.9771),
]


@pytest.mark.parametrize(
    ("venue", "symbol", "minute", "n", "volume", "least", "most", "mean", "std"),
    GOLDEN,
    ids=[f"{row[0]}-{row[1]}-{row[2]}" for row in GOLDEN],
)
def test_defect_10_volume_from_trades_is_the_golden_table(
    binance: dict[str, list[tuple[Record, ...]]],
    venue: str,
    symbol: str,
    minute: str,
    n: int,
    volume: float,
    least: float,
    most: float,
    mean: float,
    std: float,
) -> None:
    start_ns = int(datetime.fromisoformat(f"2024-08-08T{minute}:00+00:00").timestamp()) * 1_000_000_000
    inside = [
        record
        for records in binance[venue]
        for record in records
        if isinstance(record, Trade)
        and record.instrument.symbol == symbol
        and start_ns <= record.event_ns < start_ns + 60_000_000_000
    ]
    prices = [trade.price for trade in inside]
    assert len(inside) == n
    assert math.fsum(trade.size for trade in inside) == pytest.approx(volume, abs=1e-9)
    assert (min(prices), max(prices)) == (least, most)
    average = math.fsum(prices) / n
    assert average == pytest.approx(mean, abs=5e-5)
    assert math.sqrt(math.fsum((price - average) ** 2 for price in prices) / n) == pytest.approx(std, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "venue", "frames"),
    [
        ("raw_COINBASE_28.0.jsonl.gz", "coinbase", 9946),
        ("raw_KRAKEN_48.0.jsonl.gz", "kraken", 49),
        ("raw_KRAKEN_49.0.jsonl.gz", "kraken", 60),
        ("raw_KRAKEN_50.0.jsonl.gz", "kraken", 4321),
        ("raw_BYBIT_25.0.jsonl.gz", "bybit-linear", 3342),
        ("raw_BYBIT_26.0.jsonl.gz", "bybit-inverse", 1098),
    ],
)
def test_older_dialects_are_counted_rejects(name: str, venue: str, frames: int) -> None:
    (found,) = parsed(name, venue).values()
    assert len(found) == frames
    assert all(isinstance(record, Reject) and record.reason == "other_dialect" for one in found for record in one)


@pytest.mark.parametrize(
    ("name", "venue", "expected"),
    [
        ("raw_BINANCE_1.0.jsonl.gz", "binance-spot", {"Trade": 2, "Quote": 84, "Notice": 179}),
        ("raw_BINANCE_US_1.0.jsonl.gz", "binance-spot", {"Trade": 11, "Quote": 128, "Notice": 341}),
        ("raw_BINANCE_FUTURES_1.0.jsonl.gz", "binance-usdm", {"Trade": 91, "Quote": 613, "Notice": 831}),
        ("raw_BINANCE_DELIVERY_1.0.jsonl.gz", "binance-coinm", {"Trade": 51, "Quote": 2240, "Notice": 2080}),
        ("raw_OKX_1.0.jsonl.gz", "okx", {"Trade": 74, "Quote": 28, "Notice": 308}),
    ],
)
def test_other_recordings(name: str, venue: str, expected: dict[str, int]) -> None:
    (found,) = parsed(name, venue).values()
    assert kinds(found) == expected
    notices = {record.kind for one in found for record in one if isinstance(record, Notice)}
    assert notices <= {"unused", "acknowledged"}


# what the single messages say: kinds of records, and of remarks
MESSAGES = {
    "binance__book_ticker_stream": ("binance-usdm", [Quote]),
    "binance__ticker_stream": ("binance-usdm", ["unused"]),
    "binance__ws_futures_book_ticker": ("binance-usdm", [Quote]),
    "binance__ws_futures_ticker_24hr": ("binance-usdm", ["unused"]),
    "binance__ws_spot_agg_trade": ("binance-spot", [Trade]),
    "binance__ws_spot_ticker_24hr": ("binance-spot", ["unused"]),
    "binance__ws_spot_trade": ("binance-spot", [Trade]),
    "bybit__ws_orderbook_delta": ("bybit-linear", [TopChange]),
    "bybit__ws_orderbook_snapshot": ("bybit-linear", [Quote]),
    "bybit__ws_public_trade": ("bybit-linear", [Trade]),
    "bybit__ws_subscription_ack": ("bybit-linear", ["acknowledged"]),
    "bybit__ws_subscription_failure": ("bybit-linear", ["refused"]),
    "bybit__ws_ticker_linear": ("bybit-linear", ["unused"]),
    "bybit__ws_ticker_option": ("bybit-linear", ["unused"]),
    "coinbase__ws_heartbeats": ("coinbase", ["heartbeat"]),
    "coinbase__ws_l2_data_snapshot": ("coinbase", ["unused"]),
    "coinbase__ws_l2_data_update": ("coinbase", ["unused"]),
    "coinbase__ws_market_trades": ("coinbase", [Trade, Trade]),
    "coinbase__ws_subscriptions": ("coinbase", ["acknowledged"]),
    "coinbase__ws_ticker": ("coinbase", [Quote]),
    "hyperliquid__ws_book_data": ("okx", ["missing_field"]),
    "kraken__ws_book_snapshot": ("kraken", ["unused"]),
    "kraken__ws_book_update": ("kraken", ["unused"]),
    "kraken__ws_pong": ("kraken", ["heartbeat"]),
    "kraken__ws_subscribe_response": ("kraken", ["acknowledged"]),
    "kraken__ws_ticker_snapshot": ("kraken", [Quote]),
    "kraken__ws_trade_update": ("kraken", [Trade, Trade]),
    "okx__ws_bbo_tbt": ("okx", [Quote]),
    "okx__ws_books_snapshot": ("okx", ["unused"]),
    "okx__ws_books_update": ("okx", ["unused"]),
    "okx__ws_tickers": ("okx", [Quote]),
    "okx__ws_trades": ("okx", [Trade]),
}


def test_the_single_messages() -> None:
    files = sorted((FOLDER / "exchange_messages").glob("*.json"))
    assert [path.stem for path in files] == sorted(MESSAGES)
    for path in files:
        venue, expected = MESSAGES[path.stem]
        records = [record for record in VENUES[venue].parse(path.read_bytes()) if not isinstance(record, Numbered)]
        said: list[object] = [
            record.kind if isinstance(record, Notice) else record.reason if isinstance(record, Reject) else type(record)
            for record in records
        ]
        assert said == expected, path.stem


def event_times(topics: Topics) -> list[tuple[str, ...]]:
    return [
        (row["venue"], row["symbol"], row["event_time"], json.dumps([row.get("bid"), row.get("price")]))
        for row in (*topics.trades, *topics.quotes)
    ]


async def replayed(frames: list[Frame], speed: float) -> tuple[Topics, Counts]:
    topics, counts = Topics(), Counts()
    async with FakeExchange("binance-spot", frames, speed=speed) as fake, asyncio.timeout(DEADLINE_S):
        await collect(
            VENUES["binance-spot"],
            fake.url,
            ["BTCUSDT", "ETHUSDT"],
            topics,
            counts,
            enough=lambda counts: fake.finished.is_set() and counts.frames >= fake.tally.sent,
        )
        assert counts.frames == len(frames)
    return topics, counts


def test_defect_12_replays_at_any_speed_give_the_same_records(tmp_path: Path) -> None:
    recording = FOLDER / "binance_3venues_btc_eth_180s.jsonl.gz"
    frames = [frame for venue, frame in read_recording(recording) if venue == "binance-spot"][:6000]
    fast, counts = asyncio.run(replayed(frames, 0.0))
    slower, _ = asyncio.run(replayed(frames, 60.0))
    assert (counts.trades + counts.quotes, counts.dropped, counts.missing, counts.duplicates) == (6000, 0, 0, 0)
    assert event_times(fast) == event_times(slower)
    assert {row["event_time"][:16] for row in (*fast.trades, *fast.quotes)} == {"2024-08-08T23:55"}


async def begun_together(frames: list[Frame]) -> list[int]:
    """Frames sent by two exchanges: when only one of them has a subscriber, and at the end."""
    meeting, seen = asyncio.Barrier(2), []
    async with (
        FakeExchange("binance-spot", frames, together=meeting) as one,
        FakeExchange("binance-spot", frames, together=meeting) as other,
        asyncio.timeout(DEADLINE_S),
    ):

        def collecting(fake: FakeExchange) -> asyncio.Task[None]:
            enough = lambda counts: counts.frames >= len(frames)  # noqa: E731
            symbols = ["BTCUSDT", "ETHUSDT"]
            return asyncio.ensure_future(
                collect(VENUES["binance-spot"], fake.url, symbols, Topics(), Counts(), enough=enough)
            )

        first = collecting(one)
        while not meeting.n_waiting:
            await asyncio.sleep(0.01)
        seen.append(one.tally.sent)
        await asyncio.gather(first, collecting(other))
        seen += [one.tally.sent, other.tally.sent]
    return seen


def test_exchanges_that_begin_together_send_nothing_before_each_has_a_subscriber() -> None:
    recording = FOLDER / "binance_3venues_btc_eth_180s.jsonl.gz"
    frames = [frame for venue, frame in read_recording(recording) if venue == "binance-spot"][:50]
    assert asyncio.run(begun_together(frames)) == [0, 50, 50]
