"""Bars, predictions and alerts of the market's second pipeline, on windows made for it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from river.drift import ADWIN

from jobs.sql.statements import Script
from tests.cluster.replay import iso, milliseconds
from tests.jobs.market_run import Record, run_pipeline

T_S = 1_700_000_040  # the beginning of a minute


def window(venue: str, symbol: str, second: int, **columns: Any) -> Record:
    """A window as `sql/market.sql` writes it."""
    price = 100.0 + (second // 60 * 37 % 11) / 10
    row = {
        "venue": venue, "symbol": symbol, "window_start": iso(1000 * (T_S + second - 60)),
        "window_end": iso(1000 * (T_S + second)), "trades": 5, "quotes": 50, "volume": 3.0, "net_volume": 1.0,
        "close_price": price, "volatility": 0.01, "bid": price - 0.01, "bid_size": 1.0, "ask": price + 0.01,
        "ask_size": 2.0, "mean_spread": 0.0002, "quote_age_ms": 100, "crossed": 0, "duplicates": 0, "invalid": 0,
        "lags": 10, "lag_low": -1_270, "lag_sum": -12_600,
    }  # fmt: skip
    return row | columns


def test_defect_13_a_skewed_clock_hides_no_delay_and_alerts_open_and_close(
    new_tables: Callable[[], Any], script: Callable[..., Script], tmp_path: Path
) -> None:
    """Defect 13: a clock 1.27 s ahead hides no delay of 2 s; and everything else that can be wrong, once."""
    windows = []
    for second in range(60, 60 * 60, 60):
        minute = second // 60
        odd: dict[str, Any] = {}
        if 20 <= minute < 23:
            odd |= {"lag_low": -1_270, "lag_sum": 10 * (2_000 - 1_270)}
        if minute == 30:
            odd |= {"crossed": 3, "duplicates": 1}
        if 40 <= minute < 42:
            odd |= {"quote_age_ms": 20_000}
        if minute == 50:
            odd |= {"bid": 149.99, "ask": 150.01, "close_price": 150.0}
        windows.append(window("v", "s", second, **odd))
        windows.append(window("w", "s", second))
    links = [
        {
            "venue": "v",
            "event_time": iso(1000 * T_S),
            "kind": "gap",
            "symbol": "s",
            "detail": "trade 7 to 9",
            "missing": 3,
        },
        {"venue": "v", "event_time": iso(1000 * T_S), "kind": "status"},
    ]
    inputs = {"market-windows": windows, "market-links": links}
    written = run_pipeline("market_signals", new_tables(), script, tmp_path / "signals", inputs, slide=60)
    assert len(written["market-bars"]) == len(written["market-predictions"]) == len(windows)

    found: dict[tuple[str, str | None], list[tuple[str, int]]] = defaultdict(list)
    for alert in sorted(written["market-alerts"], key=lambda alert: alert["event_time"]):
        minute = (milliseconds(alert["event_time"]) // 1000 - T_S) // 60
        found[alert["kind"], alert["venue"]].append((alert["state"], minute))
        assert isinstance(json.loads(alert["evidence"]), dict)
    assert found["LATENCY", "v"] == [("open", 20), ("close", 23)]
    assert found["CROSSED", "v"] == found["DUPLICATES", "v"] == [("open", 30), ("close", 31)]
    assert found["STALE", "v"] == [("open", 40), ("close", 42)]
    assert found["OUTLIER", "v"] == [("open", 50), ("close", 52)]  # there and back
    assert found["GAP", "v"] == [("open", 0)]
    assert not [kind for kind, venue in found if venue == "w" and kind not in ("ANOMALY",)]

    for venue in ("v", "w"):
        rows = sorted((r for r in written["market-predictions"] if r["venue"] == venue), key=lambda r: r["window_end"])
        mids = [(w["bid"] + w["ask"]) / 2 for w in windows if w["venue"] == venue]
        assert rows[0].get("outcome_return") is None
        # what is told at a bar is what became of the prediction of the bar before
        assert [row["outcome_return"] for row in rows[1:]] == pytest.approx(
            [after / before - 1 for before, after in pairwise(mids)], abs=1e-12
        )
        assert [row["outcome_score"] for row in rows[1:]] == [row["score"] for row in rows[:-1]]
        known = [row["outcome_right"] for row in rows if row.get("outcome_right") is not None]
        assert rows[-1]["moves"] == len(known) > 40
        assert rows[-1]["accuracy"] == pytest.approx(sum(known) / len(known))
        assert rows[-1]["accuracy_low"] < rows[-1]["accuracy"] < rows[-1]["accuracy_high"]


def test_an_alert_of_drift_closes_when_nothing_changes_any_more(
    new_tables: Callable[[], Any], script: Callable[..., Script], tmp_path: Path
) -> None:
    """Prices that go to and fro are told well; then comes a walk, of which nothing can be. The oracle is river's."""
    dice = np.random.default_rng(5)
    walk = 100.0 + np.cumsum(np.where(dice.random(200) < 0.5, 0.1, -0.1))
    prices = [100.0 + 0.1 * (number % 2) for number in range(200)] + walk.round(1).tolist()
    windows = [
        window("v", "s", 60 * (1 + number), close_price=price, bid=price - 0.01, ask=price + 0.01)
        for number, price in enumerate(prices)
    ]
    inputs = {"market-windows": windows, "market-links": []}
    written = run_pipeline(
        "market_signals", new_tables(), script, tmp_path / "signals", inputs, slide=60, drift_over=20
    )
    rows = sorted(written["market-predictions"], key=lambda row: row["window_end"])
    known = [row for row in rows if row.get("outcome_right") is not None]
    detector, since, is_open, wanted = ADWIN(), 1_000, False, []
    for row in known:
        detector.update(1 - row["outcome_right"])
        since = 0 if detector.drift_detected else since + 1
        if (since <= 20) != is_open:
            is_open = not is_open
            wanted.append(("open" if is_open else "close", row["window_end"]))
    found = [(a["state"], a["event_time"]) for a in written["market-alerts"] if a["kind"] == "MODEL_DRIFT"]
    assert sorted(found, key=lambda alert: alert[1]) == wanted
    assert [state for state, _ in wanted][:2] == ["open", "close"]
