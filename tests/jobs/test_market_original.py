"""The original market system beside ours: the rows it adds, and the defects that they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.sql.statements import Script
from tests.cluster.replay import iso
from tests.jobs.market_run import Record, run_pipeline
from tests.jobs.test_market_signals import T_S, window

MS = 1_000 * T_S


def trade(second: int, price: float = 100.0, lag_ms: int = 50, size: float = 1.0) -> Record:
    at = MS + 1_000 * second
    return {
        "venue": "v", "symbol": "s", "event_time": iso(at), "receive_time": iso(at + lag_ms), "price": price,
        "size": size,
    }  # fmt: skip


def quote(venue: str, second: int, mid: float) -> Record:
    at = MS + 1_000 * second
    return {"venue": venue, "base": "LINK", "event_time": iso(at), "bid": mid - 0.01, "ask": mid + 0.01}


def test_the_original_runs_beside_ours_and_shows_its_defects(
    new_tables: Callable[[], Any], script: Callable[..., Script], tmp_path: Path
) -> None:
    # defect 13: a clock 1.27 s behind hides a delay of 2 s; and one record, one alert
    trades = [trade(0, lag_ms=2_000 - 1_270), trade(1, lag_ms=2_000), trade(2, lag_ms=2_001), trade(3, price=0.0)]
    # defects 14 and 15: huobi falls silent, binance's price goes on, by a quarter of a percent
    quotes = [quote("huobi", 0, 10.0), *(quote("binance", second, 10.0 + 0.001 * second) for second in range(30))]
    dice = np.random.default_rng(0)
    windows: list[Record] = []
    for number in range(260):
        if number % 8 < 4:  # half of all moves are none
            price = 100.0 + round(float(dice.normal()), 3)
        row = window("v", "s", 60 + 5 * number, close_price=price, bid=price - 0.01, ask=price + 0.01)
        row |= {
            "trades": 40 if number >= 10 else 29,
            "mean_price": price,
            "std_by_trade": 0.1,
            "velocity_by_trade": 0.0,
        }
        windows.append(row)
    inputs = {"market-trades": trades, "market-quotes": quotes, "market-windows": windows}
    written = run_pipeline("market.original", new_tables(), script, tmp_path / "original", inputs, horizon=5)
    for rows in written.values():
        assert {row["preset"] for row in rows} == {"original"}

    # nothing is predicted of fewer than 30 trades, nor before a hundred rows; defect 7: then nothing comes near 0.7
    predictions = sorted(written["market-predictions"], key=lambda row: row["window_end"])
    assert len(predictions) == 250
    scores = np.array([row["score"] for row in predictions])
    assert (scores[:100] == 0).all() and (scores[100:] != 0).all() and np.abs(scores).max() < 0.2
    assert not any(row.get("signal") for row in predictions)

    # defect 9: the accuracy it shows counts moves of nothing as wrong, the one beside it does not
    last = predictions[-1]
    known = [row for row in predictions[-100:] if row.get("outcome_score")]
    shown = [row["outcome_score"] * row["outcome_return"] > 0 for row in known]
    assert last["recent_accuracy"] == pytest.approx(np.mean(shown))
    assert last["moves"] == sum(bool(row.get("outcome_return")) for row in predictions)

    kinds = Counter(alert["kind"] for alert in written["market-alerts"])
    assert (kinds["HIGH_LATENCY"], kinds["DATA_INTEGRITY"]) == (2, 1)
    # defect 8: below 0.45 over 100, told at every row for as long as it lasts
    known_since = [row for place, row in enumerate(predictions) if place >= 200]  # a hundred that were not neutral
    below = [row for row in known_since if row["recent_accuracy"] < 0.45]
    assert below and kinds["MODEL_DRIFT"] == len(below)
    assert {alert["state"] for alert in written["market-alerts"]} == {"open"}

    # defect 18: every tick is told, from the eleventh on, where ours compares nothing older than two seconds
    ticks = sorted(written["market-arbitrage"], key=lambda row: row["event_time"])
    assert [tick["edge"] for tick in ticks] == pytest.approx([0.001 * second / 10 for second in range(11, 30)])
    assert {(tick["buy_venue"], tick["sell_venue"]) for tick in ticks} == {("huobi", "binance-spot")}
