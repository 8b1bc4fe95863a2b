"""Arbitrage: the design's counts on recorded quotes, a slow reference on random ones, and each defect by its name."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from feeds.exchanges import VENUES
from feeds.exchanges.market import Quote, Trade
from feeds.exchanges.quotes_csv import Pair, quotes, read_rows
from feeds.exchanges.recording import read_recording
from jobs.settings import load_settings
from models.arbitrage import EVENTS, ArbitragePool
from models.errors import ParameterError, SnapshotError

FOLDER = load_settings().data / "market"
LINK = FOLDER / "link_usdt_2ex_bbo_7200s.csv.gz"
RECORDING = FOLDER / "binance_3venues_btc_eth_180s.jsonl.gz"
needs_data = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded quotes in {FOLDER}: set CUTBANK_DATA")

Row = tuple[int, int, float, float, float, float]
"""Time, venue, bid, bid size, ask, ask size."""


def run(rows: Sequence[Row], pool: ArbitragePool) -> dict[str, np.ndarray]:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return pool.process(np.full(len(rows), pool.open(), np.int32), table[:, 0].astype(np.int64), table[:, 1:])


def events(found: dict[str, np.ndarray]) -> list[str | None]:
    return [EVENTS[int(event)] for event in found["event"]]


def free(**more: float | int) -> ArbitragePool:
    """Two venues that take nothing."""
    return ArbitragePool([0.0, 0.0], **more)  # type: ignore[arg-type]


def test_an_episode() -> None:
    rows: list[Row] = [
        (0, 0, 99.0, 5.0, 100.0, 5.0),
        (0, 1, 99.5, 5.0, 100.5, 5.0),  # nothing: every bid is below every ask
        (100, 1, 101.0, 2.0, 102.0, 5.0),  # buy at 0 for 100, sell at 1 for 101
        (200, 1, 100.5, 2.0, 102.0, 5.0),  # less, but still
        (300, 1, 103.0, 9.0, 104.0, 5.0),  # more than ever
        (400, 0, 99.0, 5.0, 101.0, 4.0),  # less
        (500, 1, 99.0, 5.0, 104.0, 5.0),  # over
        (600, 1, 99.0, 5.0, 104.0, 5.0),
    ]
    found = run(rows, free())
    assert events(found) == [None, None, "open", None, "update", None, "close", None]
    assert found["edge"][2:6] == pytest.approx([0.01, 0.005, 0.03, 103 / 101 - 1])
    assert found["size"][2:6].tolist() == [2.0, 2.0, 5.0, 4.0]
    assert found["buy_venue"][2:7].tolist() == [0.0] * 5 and found["sell_venue"][2:7].tolist() == [1.0] * 5
    assert found["lasted_ms"][2:7].tolist() == [0.0, 100.0, 200.0, 300.0, 400.0]
    assert found["best_edge"][6] == pytest.approx(0.03)
    assert found["episode"][2:7].tolist() == [1.0] * 5 and np.isnan(found["episode"][7])


def test_defect_14_a_stale_quote_is_no_quote() -> None:
    found = run([(0, 0, 99, 1, 100, 1), (2001, 1, 105, 1, 106, 1)], free(max_skew_ms=86_400_000))
    assert events(found) == [None, None] and np.isnan(found["edge"]).all()
    found = run([(0, 0, 99, 1, 100, 1), (1000, 1, 105, 1, 106, 1)], free())
    assert np.isnan(found["edge"]).all(), "a second apart: not of one moment"
    assert events(run([(0, 0, 99, 1, 100, 1), (999, 1, 105, 1, 106, 1)], free())) == [None, "open"]


def test_an_episode_ends_when_a_quote_of_its_pair_is_too_old() -> None:
    rows: list[Row] = [(0, 0, 99, 1, 100, 1), (0, 1, 105, 1, 106, 1)]
    rows += [(at, 1, 105, 1, 106, 1) for at in (900, 1500, 2000, 2001)]
    assert events(run(rows, free())) == [None, "open", None, None, None, "close"]


def test_defect_15_only_a_bid_against_an_ask() -> None:
    """Mids and last prices differ by 4 %, and nothing can be earned."""
    found = run([(0, 0, 90, 1, 110, 1), (0, 1, 98, 1, 110, 1)], free())
    assert events(found) == [None, None]
    assert found["edge"][1] == pytest.approx(98 / 110 - 1)


def test_defect_16_fees_and_sizes_count() -> None:
    rows: list[Row] = [(0, 0, 99, 1, 100, 1), (0, 1, 100.15, 1, 101, 1)]
    assert events(run(rows, free())) == [None, "open"]
    found = run(rows, ArbitragePool([0.001, 0.0005]))
    assert events(found) == [None, None]
    assert found["edge"][1] == pytest.approx(100.15 * 0.9995 / (100 * 1.001) - 1)
    assert events(run(rows, free(min_size=1.5))) == [None, None]
    assert events(run([(0, 0, 99, 1, 100, 0), rows[1]], free())) == [None, None]


def test_defect_18_one_episode_and_not_an_alert_a_tick() -> None:
    rows: list[Row] = [(0, 0, 99, 1, 100, 1)]
    rows += [(at, at % 2, 101, 1, 100, 1) for at in range(1, 1001)]
    found = run(rows, free())
    assert events(found).count("open") == 1 and events(found).count("update") <= 2
    assert (found["edge"][2:] > 0).all()


def test_the_best_of_several_venues() -> None:
    rows: list[Row] = [(0, 0, 99, 1, 100, 1), (0, 1, 101, 1, 103, 1), (1, 2, 102, 1, 104, 1), (2, 2, 97, 1, 98, 1)]
    found = run(rows, ArbitragePool([0.0, 0.0, 0.0]))
    assert events(found) == [None, "open", "update", "update"]
    assert list(zip(found["buy_venue"][1:], found["sell_venue"][1:], strict=True)) == [(0, 1), (0, 2), (2, 1)]


def test_what_is_no_quote_changes_nothing() -> None:
    good: list[Row] = [(0, 0, 99, 1, 100, 1), (0, 1, 105, 1, 106, 1)]
    bad: list[Row] = [(0, 2, 1, 1, 1, 1), (0, -1, 1, 1, 1, 1), (0, 0, 1, 1, 0, 1)]
    found = run([good[0], *bad, good[1]], free())
    assert events(found) == [None, None, None, None, "open"]
    assert np.isnan(found["edge"][1:4]).all()


def reference(rows: Sequence[Row], fees: Sequence[float], threshold: float, age: int, skew: int) -> list[float | None]:
    """The best edge after each row, by trying every pair."""
    known: dict[int, Row] = {}
    best: list[float | None] = []
    for row in rows:
        known[row[1]] = row
        edges = [
            sell[2] * (1 - fees[sell[1]]) / (buy[4] * (1 + fees[buy[1]])) - 1
            for buy in known.values()
            for sell in known.values()
            if buy is not sell
            and all(row[0] - one[0] <= age for one in (buy, sell))
            and abs(buy[0] - sell[0]) < skew
            and min(buy[5], sell[3]) > 0
        ]
        best.append(max(edges, default=None))
    return best


@pytest.mark.parametrize("seed", range(3))
def test_against_a_slow_reference(seed: int) -> None:
    random = np.random.default_rng(seed)
    fees = [0.001, 0.0, 0.002, 0.0005]
    at, rows = 0, list[Row]()
    for _ in range(2000):
        at += int(random.exponential(300))
        mid = 100 * np.exp(random.normal(0, 0.002))
        sizes = random.integers(0, 4, 2)
        rows.append((at, int(random.integers(4)), mid * 0.9995, float(sizes[0]), mid * 1.0005, float(sizes[1])))
    found = run(rows, ArbitragePool(fees, 0.001, 2000, 1000))
    expected = [np.nan if edge is None else edge for edge in reference(rows, fees, 0.001, 2000, 1000)]
    closed = found["event"] == 3  # a closing row tells of the pair that it closes
    np.testing.assert_allclose(found["edge"], expected, rtol=0, atol=1e-12)
    assert closed.any() and (found["event"] == 1).sum() - closed.sum() in (0, 1)
    told = [event for event in events(found) if event in ("open", "close")]
    assert told == ["open", "close"] * (len(told) // 2) + ["open"] * (len(told) % 2)


def link_rows() -> list[Row]:
    """The LINK pair, Huobi 0 and Binance 1."""
    found = list[Row]()
    pair = Pair("LINKUSDT", "LINK", "USDT")
    for record in quotes(read_rows(LINK), source="link", pair=pair, wall_ns=lambda: 0, speed=0.0):
        value = json.loads(record.value)
        at = int(np.datetime64(value["event_time"].removesuffix("Z"), "ms").astype(np.int64))
        venue = ("huobi", "binance").index(value["venue"])
        found.append((at, venue, value["bid"], value["bid_size"], value["ask"], value["ask_size"]))
    return found


@pytest.mark.real_data
@needs_data
def test_link_golden_counts_and_no_false_alert() -> None:
    rows = link_rows()
    found = run(rows, free())
    known = ~np.isnan(found["edge"])
    assert known.sum() == 7200  # once a second, when both have quoted
    assert [int((found["edge"][known] > limit).sum()) for limit in (0.0, 0.0001, 0.0005, 0.001)] == [1339, 386, 4, 0]
    assert set(events(run(rows, free(threshold=0.001)))) == {None}
    # defect 18: episodes, each a run of seconds, and not 1,339 alerts
    above = found["edge"][known] > 0
    runs = int(above[0]) + int((above[1:] & ~above[:-1]).sum())
    assert events(found).count("open") == runs < 1339


@pytest.mark.real_data
@needs_data
@pytest.mark.parametrize(("late_s", "false"), [(1, 4), (2, 30), (5, 152), (10, 446), (30, 1718), (60, 2916)])
def test_defect_14_what_stale_quotes_would_have_told(late_s: int, false: int) -> None:
    """Huobi's quotes come late. By arrival there are as many false alerts as the design counted; by event time none."""
    rows = link_rows()
    huobi = {row[0]: row for row in rows if row[1] == 0}
    by_arrival, by_time = list[Row](), list[Row]()
    for row in rows:
        if row[1] == 1 and row[0] - late_s * 1000 in huobi:
            old = huobi[row[0] - late_s * 1000]
            by_arrival += [(row[0], *old[1:]), row]
            by_time += [old, row]
    assert int((run(by_arrival, free())["edge"] > 0.001).sum()) == false
    found = run(by_time, free(threshold=0.001))
    assert set(events(found)) == {None}


@pytest.mark.real_data
@needs_data
def test_the_basis_of_perpetuals_is_no_arbitrage() -> None:
    """Spot and perpetual are never compared, being of two kinds. If they were: no edge of 0.1 %."""
    clock: int | None = None
    mixed, kinds = list[Row](), set[tuple[str | None, ...]]()
    for venue, frame in read_recording(RECORDING):
        for record in VENUES[venue].parse(frame.data) if venue != "binance-coinm" else ():
            if record.instrument.symbol != "BTCUSDT":  # type: ignore[union-attr]
                continue
            if isinstance(record, Trade):
                clock = record.event_ns // 1_000_000
            elif isinstance(record, Quote) and clock is not None:
                at = clock if record.event_ns is None else record.event_ns // 1_000_000
                sizes = record.bid, record.bid_size, record.ask, record.ask_size
                mixed.append((at, int(venue == "binance-usdm"), *sizes))
                kinds.add((record.instrument.base, record.instrument.quote, record.instrument.kind))
    assert kinds == {("BTC", "USDT", "spot"), ("BTC", "USDT", "perpetual")}
    mixed.sort(key=lambda row: row[0])
    edges = run(mixed, free())["edge"]
    assert int((edges > 0.001).sum()) == 0
    assert np.nanmedian(edges) == pytest.approx(0.00037, abs=0.0001)  # the standing basis


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fees": [0.1]}, "venues"),
        ({"fees": [0.1] * 33}, "venues"),
        ({"fees": [0.1, -0.1]}, r"fees\[1\]"),
        ({"fees": [0.1, 1.0]}, "fees must be below 1"),
        ({"threshold": float("nan")}, "threshold"),
        ({"max_age_ms": 0}, "max_age_ms"),
        ({"max_skew_ms": 1.5}, "max_skew_ms"),
        ({"min_size": -1}, "min_size"),
    ],
)
def test_parameters_that_cannot_be(given: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ArbitragePool(**{"fees": [0.0, 0.0], **given})  # type: ignore[arg-type]


def test_a_state_with_venues_there_are_not_is_refused() -> None:
    pool = free()
    slot = pool.open()
    pool._state[slot, 1] = 7.0
    with pytest.raises(SnapshotError, match="venues"):
        pool.load(pool.dump(slot))
    with pytest.raises(SnapshotError, match="threshold"):
        free(threshold=0.5).load(_dumped())


def _dumped() -> bytes:
    pool = free()
    return pool.dump(pool.open())
