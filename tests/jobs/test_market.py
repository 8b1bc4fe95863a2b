"""The market's pipeline on recorded trades and quotes: golden values, an oracle in numpy, and any speed of replay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.sql.statements import Script
from tests.cluster.replay import milliseconds
from tests.jobs.market_run import FOLDER, Market, Record, recorded, run_pipeline

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recorded frames in {FOLDER}: set CUTBANK_DATA"),
]

#: The design's table: venue, symbol, minute, trades, volume, least, most, mean, population deviation.
GOLDEN = [
    ("binance-spot", "BTCUSDT", "23:56", 1_011, 15.49778, 61_723.99, 61_782.26, 61_754.6083, 14.6995),
    ("binance-spot", "BTCUSDT", "23:57", 2_069, 59.29235, 61_651.01, 61_735.99, 61_693.3098, 26.9405),
    ("binance-usdm", "BTCUSDT", "23:56", 1_992, 203.14300, 61_700.00, 61_760.40, 61_729.9243, 17.1951),
    ("binance-usdm", "BTCUSDT", "23:57", 4_717, 607.14800, 61_620.00, 61_719.00, 61_672.2510, 31.9839),
    ("binance-usdm", "ETHUSDT", "23:57", 2_384, 1_378.28400, 2_677.90, 2_681.15, 2_679.6896, 0.8491),
    ("binance-coinm", "BTCUSD_PERP", "23:57", 479, 21_428.0, 61_632.00, 61_720.50, 61_676.9601, 27.9771),
]
KEEP = 20  # every so many quotes: what is tested of them does not need all


def at(text: str) -> int:
    return milliseconds(text)


def some_quotes() -> Market:
    trades, quotes = recorded()
    return Market(trades, quotes[::KEEP])


def run(new_tables: Callable[[], Any], script: Callable[..., Script], folder: Path, market: Market) -> list[Record]:
    """The windows of `sql/market.sql`."""
    inputs = {"market-trades": market.trades, "market-quotes": market.quotes}
    return run_pipeline("market", new_tables(), script, folder, inputs, delay=5)["market-windows"]


def oracle(trades: list[Record], start_ms: int, end_ms: int) -> dict[str, float]:
    """A window of one symbol's trades, by the definitions and from all of them."""
    times = np.array([at(trade["event_time"]) for trade in trades])
    order = np.argsort(times, kind="stable")
    times, prices = times[order], np.array([trade["price"] for trade in trades])[order]
    sizes = np.array([trade["size"] for trade in trades])[order]
    inside = (times >= start_ms) & (times < end_ms)
    own, moments = prices[inside], times[inside]
    before = prices[times < start_ms]
    held = np.append(before[-1:], own)
    edges = np.concatenate([[start_ms] if before.size else [], moments, [end_ms]])
    weights = np.diff(edges)
    mean_held = (weights * held).sum() / weights.sum()
    steps, lasted = np.diff(own), moments[-1] - moments[0]
    return {
        "trades": own.size,
        "volume": sizes[inside].sum(),
        "low_price": own.min(),
        "high_price": own.max(),
        "open_price": own[0],
        "close_price": own[-1],
        "mean_price": own.mean(),
        "vwap": (own * sizes[inside]).sum() / sizes[inside].sum(),
        "std_by_trade": own.std(),
        "std_by_time": np.sqrt((weights * (held - mean_held) ** 2).sum() / weights.sum()),
        "velocity_by_trade": (own[-1] - own[0]) / own.size,
        "velocity_by_second": (own[-1] - own[0]) / lasted * 1000 if lasted else np.nan,
        "volatility": steps.std() if steps.size else np.nan,
    }


def rows_without_lags(rows: list[Record]) -> list[str]:
    """Rows in an order of their own; how late records were received is no matter of event time."""
    return sorted(repr({name: row[name] for name in row if not name.startswith("lag")}) for row in rows)


def test_defect_12_20_and_21_windows_are_golden_and_the_same_at_any_speed(
    new_tables: Callable[[], Any], script: Callable[..., Script], tmp_path: Path
) -> None:
    market = some_quotes()
    windows = run(new_tables, script, tmp_path / "recorded", market)
    minutes = [window for window in windows if window["window_end"].endswith(":00.000Z")]
    bars = {(bar["venue"], bar["symbol"], bar["window_start"][11:16]): bar for bar in minutes}
    for venue, symbol, minute, n, volume, least, most, mean, std in GOLDEN:
        bar = bars[venue, symbol, minute]
        assert (bar["trades"], bar["low_price"], bar["high_price"]) == (n, least, most)
        assert bar["volume"] == pytest.approx(volume, abs=1e-6)
        assert bar["mean_price"] == pytest.approx(mean, abs=5e-5)
        assert bar["std_by_trade"] == pytest.approx(std, abs=5e-5)
    assert sum(bar["trades"] for bar in minutes) == len(market.trades)
    assert sum(bar["quotes"] for bar in minutes) == len(market.quotes)

    by_symbol: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for trade in market.trades:
        by_symbol[trade["venue"], trade["symbol"]].append(trade)
    checked = 0
    for window in windows:
        if not window["trades"]:
            continue
        assert at(window["window_end"]) - at(window["window_start"]) == 60_000
        wanted = oracle(
            by_symbol[window["venue"], window["symbol"]], at(window["window_start"]), at(window["window_end"])
        )
        for name, value in wanted.items():
            got = window.get(name)
            assert (got is None and np.isnan(value)) or got == pytest.approx(value, rel=1e-9, abs=1e-8), (name, window)
        checked += 1
    assert checked > 200

    # defect 20: the two deviations are different things and have names of their own
    both = [(w["std_by_trade"], w["std_by_time"]) for w in windows if w["trades"] > 100]
    assert np.mean([abs(trade / time - 1) for trade, time in both]) > 0.03

    # another speed: venues run apart by seconds of event time, and are received at another time. Defect 21: records of
    # one symbol come out of order too (but for those of one millisecond), and first and last are still those in time
    ahead = {"binance-spot": 0, "binance-usdm": 1_700, "binance-coinm": 3_400}

    def disordered(records: list[Record]) -> list[Record]:
        moved = [{**r, "receive_time": "2026-01-01T00:00:00.000Z"} for r in records]
        moments = np.array([at(record["event_time"]) for record in moved])
        return [
            moved[i]
            for i in np.argsort(
                moments - [ahead[record["venue"]] for record in moved] + moments * 2_654_435_761 % 1_000, kind="stable"
            )
        ]

    def few(records: list[Record]) -> list[Record]:  # the busiest symbol is many records of the same kind
        return [r for r in records if (r["venue"], r["symbol"]) != ("binance-usdm", "BTCUSDT")]

    other = Market(disordered(few(market.trades)), disordered(few(market.quotes)))
    again = run(new_tables, script, tmp_path / "disordered", other)
    assert rows_without_lags(again) == rows_without_lags(few(windows))
