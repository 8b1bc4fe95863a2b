"""The commands themselves, with a sink in place of Kafka and the fake exchange in place of a real one."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from feeds.exchanges.fake import FakeExchange
from feeds.exchanges.recording import Frame
from feeds.pacing import Stop
from jobs.cli import feed, feed_market, feeding
from jobs.errors import CutbankError, UsageError
from tests.unit.feeds.exchanges import messages as say
from tests.unit.feeds.exchanges.conftest import DEADLINE_S, Topics
from tests.unit.feeds.exchanges.messages import T_MS


class Sink(Topics):
    """In the place of a Producer and of `ensure_topics`."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, int] = {}
        self.acknowledged = 0

    def __call__(self, settings: object, *, stop: object) -> Sink:
        return self

    def ensure(self, settings: object, topics: dict[str, int]) -> list[str]:
        self.made.update(topics)
        return list(topics)

    def flush(self) -> None:
        self.acknowledged = sum(map(len, self.by_topic.values()))

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Sink:
    made = Sink()
    monkeypatch.setattr(feeding, "Producer", made)
    monkeypatch.setattr(feeding, "ensure_topics", made.ensure)
    return made


@pytest.fixture
def fake() -> Iterator[FakeExchange]:
    """A fake exchange in a thread of its own, with twenty trades."""
    frames = [Frame(number, say.binance_trade(number, at_ms=T_MS + number)) for number in range(20)]
    made: list[FakeExchange] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with FakeExchange("binance-spot", frames) as exchange:
            made.append(exchange)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(DEADLINE_S)
    yield made[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(DEADLINE_S)
    loop.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(feed.app, list(arguments))


def done(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def test_an_exchange_is_collected(sink: Sink, fake: FakeExchange) -> None:
    summary = done("exchange", "--venue", "binance", "--symbols", "BTCUSDT", "--url", fake.url, "--records", "20")
    assert (summary["venue"], summary["trades"], summary["frames"], summary["missing"]) == ("binance-spot", 20, 20, 0)
    assert sink.made == {"market-trades": 4, "market-quotes": 4, "market-frames-rejects": 1, "market-links": 1}
    assert [trade["trade_id"] for trade in sink.trades] == [str(number) for number in range(20)]
    assert [link["kind"] for link in sink.links] == ["connected", "lost"]
    assert summary["acknowledged"] == 22


def test_the_address_may_come_from_the_settings(
    sink: Sink, fake: FakeExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTBANK_BINANCE_SPOT_URL", fake.url)
    result = run("exchange", "--venue", "binance-spot", "--symbols", "BTCUSDT", "--records", "20", "--prefix", "m")
    assert result.exit_code == 0
    assert "20 frames, 20 trades" in result.stdout
    assert len(sink.by_topic["m-trades"]) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--venue", "binanse", "--symbols", "A"), "did you mean 'binance'"),
        (("--venue", "kraken", "--symbols", "A,,B"), "--symbols"),
        (("--venue", "kraken", "--symbols", "A,A"), "more than once"),
        (("--venue", "coinbase", "--symbols", "BTC-USDC"), "ask for BTC-USD"),
        (("--venue", "kraken", "--symbols", "A", "--url", "http://x"), "--url"),
        (("--venue", "kraken", "--symbols", "A", "--queue", "0"), "--queue"),
        (("--venue", "kraken", "--symbols", "A", "--seconds", "0"), "--seconds"),
        (("--venue", "kraken", "--symbols", "A", "--borrow", "-1"), "--borrow"),
        (("--venue", "kraken", "--symbols", "A", "--give-up-after", "nan"), "--give-up-after"),
        (("--venue", "kraken", "--symbols", "A", "--prefix", "a b"), "--prefix"),
    ],
)
def test_wrong_use_of_exchange(sink: Sink, arguments: tuple[str, ...], message: str) -> None:
    result = run("exchange", *arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert sink.made == {}


def test_a_connection_given_up_fails_the_command(sink: Sink, fake: FakeExchange) -> None:
    """Nobody listens there: the command ends with 1 and says so."""
    closed = fake.url.rsplit(":", 1)[0] + ":9"
    arguments = ("--venue", "kraken", "--symbols", "A", "--url", closed, "--give-up-after", "0.001")
    result = run("exchange", *arguments)
    assert isinstance(result.exception, CutbankError) and result.exception.exit_code == 1
    assert "kraken: the connection was given up" in str(result.exception)


def test_quotes_of_a_file(sink: Sink, tmp_path: Path) -> None:
    path = tmp_path / "link.csv.gz"
    rows = ["ts,exchange,bid,bid_qty,ask,ask_qty", "2021-08-20 00:00:00,huobi,27,1,28,1", "x,huobi,27,1,28,1"]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    arguments = ("--symbol", "LINKUSDT", "--base", "LINK", "--quote", "USDT", "--speed", "0")
    summary = done("quotes", str(path), *arguments)
    assert (summary["records"], summary["rejects"]) == (1, 1)
    assert sink.quotes[0]["venue"] == "huobi"
    assert set(sink.made) == {"market-quotes", "market-frames-rejects"}
    assert isinstance(run("quotes", str(path), "--base", "LINK").exception, UsageError)


def recording(path: Path, venue: str = "binance-spot") -> Path:
    lines = [{"recv_ns": number, "venue": venue, "msg": json.loads(say.binance_trade(number))} for number in range(5)]
    path.write_bytes(gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines)))
    return path


def test_replay_ends_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody subscribes, so nothing is sent; the request to end ends it."""

    class Asked(Stop):
        requested = True  # type: ignore[assignment]

    class Signals:
        def __enter__(self) -> Stop:
            return Asked()

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(feed_market, "stop_on_signals", Signals)
    script = tmp_path / "faults.toml"
    script.write_text('dials = ["503"]\n[[fault]]\nkind = "gap"\nat = 1\nframes = 2\nvenue = "binance-spot"\n')
    summary = done("replay", str(recording(tmp_path / "r.jsonl.gz")), "--faults", str(script))
    assert summary["interrupted"] is True
    assert (summary["sent"], summary["skipped"]) == (0, 2)
    assert summary["venues"]["binance-spot"]["url"].startswith("ws://127.0.0.1:")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("dials = [7]", "dials"),
        ("faults = []", "unknown faults"),
        ('[[fault]]\nkind = "gap"', "fault 1"),
        ('[[fault]]\nkind = "gap"\nat = 1\nwhy = 2', "unknown why"),
        ('[[fault]]\nkind = "gap"\nat = 77', "gap at 77"),
        ("[[", "no TOML"),
    ],
)
def test_wrong_scripts(tmp_path: Path, script: str, message: str) -> None:
    (tmp_path / "faults.toml").write_text(script)
    path = recording(tmp_path / "r.jsonl.gz")
    result = run("replay", str(path), "--faults", str(tmp_path / "faults.toml"))
    assert isinstance(result.exception, UsageError), result.output
    assert message in str(result.exception)


def test_recordings_that_are_none(tmp_path: Path) -> None:
    assert "no file" in str(run("replay", str(tmp_path / "absent")).exception)
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"recv_ns": 1}\n')
    assert "line 1" in str(run("replay", str(lines)).exception)
    assert "gemini" in str(run("replay", str(recording(tmp_path / "g.jsonl.gz", "gemini"))).exception)
