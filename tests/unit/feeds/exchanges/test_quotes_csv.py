"""Best quotes out of a CSV file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from feeds.exchanges.quotes_csv import Pair, quotes, read_rows
from feeds.records import Outgoing
from jobs.errors import CutbankError, UsageError
from jobs.settings import load_settings

PAIR = Pair("LINKUSDT", "LINK", "USDT")
FILE = load_settings().data / "market" / "link_usdt_2ex_bbo_7200s.csv.gz"


def written(path: Path, *lines: str, header: str = "ts,exchange,bid,bid_qty,ask,ask_qty") -> Path:
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def records(path: Path, pair: Pair | None = PAIR, speed: float = 1.0) -> list[Outgoing]:
    return list(
        quotes(read_rows(path), source=path.name, pair=pair, wall_ns=lambda: 1_800_000_000 * 10**9, speed=speed)
    )


def test_rows_become_quotes_when_they_are_due(tmp_path: Path) -> None:
    lines = ("2021-08-20 00:00:00,huobi,27.0999,10.67,27.1,83.08", "2021-08-20 00:00:03,binance,27.1,1,27.2,2")
    found = records(written(tmp_path / "link.csv", *lines), speed=2.0)
    assert [record.due_s for record in found] == [0.0, 1.5]
    assert [record.key for record in found] == [b"huobi|LINKUSDT", b"binance|LINKUSDT"]
    assert json.loads(found[0].value) == {
        "venue": "huobi",
        "symbol": "LINKUSDT",
        "base": "LINK",
        "quote": "USDT",
        "instrument": "spot",
        "event_time": "2021-08-20T00:00:00.000Z",
        "event_time_source": "exchange",
        "receive_time": "2027-01-15T08:00:00.000Z",
        "bid": 27.0999,
        "bid_size": 10.67,
        "ask": 27.1,
        "ask_size": 83.08,
        "size_unit": "base",
        "update_id": None,
        "connection": 0,
    }


def test_pairs_may_stand_in_the_rows(tmp_path: Path) -> None:
    header = "exchange,ts,symbol,base,quote,ask,ask_qty,bid,bid_qty"
    path = written(tmp_path / "two.csv", "kraken,2021-08-20T02:00:00+02:00,ETHEUR,ETH,EUR,2,1,1,1", header=header)
    value = json.loads(records(path, None)[0].value)
    assert (value["symbol"], value["base"], value["quote"]) == ("ETHEUR", "ETH", "EUR")
    assert value["event_time"] == "2021-08-20T00:00:00.000Z"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("soon,huobi,1,1,1,1", "wrong_type"),
        ("1999-01-01,huobi,1,1,1,1", "time_out_of_range"),
        ("2021-08-20 00:00:00,,1,1,1,1", "wrong_type"),
        ("2021-08-20 00:00:00,huobi,0,1,1,1", "out_of_range"),
        ("2021-08-20 00:00:00,huobi,nan,1,1,1", "not_finite"),
        ("2021-08-20 00:00:00,huobi,1,1", "missing_field"),
    ],
)
def test_bad_rows_are_rejects(tmp_path: Path, line: str, reason: str) -> None:
    (found,) = records(written(tmp_path / "bad.csv", line))
    assert (found.topic, json.loads(found.value)["reason"], found.truth) == ("market-frames-rejects", reason, True)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        records(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="no column ask_qty"):
        records(written(tmp_path / "short.csv", header="ts,exchange,bid,bid_qty,ask"))
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(gzip.compress(b"ts,exchange,bid,bid_qty,ask,ask_qty\n" * 100)[:40])
    with pytest.raises(CutbankError, match="cannot be read"):
        records(broken)


@pytest.mark.real_data
@pytest.mark.skipif(not FILE.is_file(), reason=f"no file {FILE}: set CUTBANK_DATA")
def test_the_link_pair() -> None:
    values = [json.loads(record.value) for record in records(FILE, speed=0.0)]
    assert len(values) == 14_400
    assert {value["venue"] for value in values} == {"huobi", "binance"}
    quoted = {venue: [value for value in values if value["venue"] == venue] for venue in ("huobi", "binance")}
    # the design's counts of best bid of one above best ask of the other, both of the same second
    edges = [
        max(a["bid"] / b["ask"], b["bid"] / a["ask"]) - 1.0
        for a, b in zip(quoted["huobi"], quoted["binance"], strict=True)
    ]
    assert [sum(edge > limit for edge in edges) for limit in (0.0, 0.0001, 0.0005, 0.001)] == [1339, 386, 4, 0]
