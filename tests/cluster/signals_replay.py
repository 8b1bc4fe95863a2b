"""The oracle of sql/market_signals.sql: bars, predictions and alerts of given windows, in plain Python, bit for bit.

It knows nothing of packs, buckets or Flink: the rows of each key in the order of time, one model a key. What Flink's
SQL computes between the models are sums, products and quotients of doubles, which are the same everywhere; its
logarithm is not: see `logarithms`.
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import numpy as np
from pyflink.java_gateway import get_gateway

from tests.cluster.replay import iso, milliseconds
from udfs.functions.registry import FUNCTIONS

Row = dict[str, Any]

#: What a bar passes on from its window.
PASSED_ON = (
    "venue", "symbol", "base", "quote", "instrument", "window_start", "window_end", "trades", "quotes", "volume",
    "low_price", "high_price", "open_price", "close_price", "mean_price", "vwap", "std_by_trade", "std_by_time",
    "volatility", "bid", "ask", "mean_spread",
)  # fmt: skip
INDICATORS = ("rsi", "macd", "macd_signal", "macd_histogram", "bollinger_position", "volume_ratio", "momentum")
FEATURES = (
    "rsi_side", "macd_side", "band_side", "volume_side", "momentum_side", "return_1", "return_2", "volatility_side",
    "flow_side", "book_side",
)  # fmt: skip
PREDICTED = (
    "score", "signal", "expected_return", "inverse_score", "inverse_weight_low", "inverse_weight_high",
    "outcome_return", "outcome_score", "outcome_right", "moves", "zero_share", "dropped", "accuracy", "accuracy_low",
    "accuracy_high", "inverse_accuracy", "baseline_up", "baseline_same", "baseline_opposite", "brier", "gross_bp",
    "net_bp", "signals", "signals_net_bp",
)  # fmt: skip


def logarithms(values: Iterable[float]) -> list[float]:
    """LN as Flink has it, from Java itself: Python's differs in the last bit of one value in a thousand."""
    of_java = get_gateway().jvm.java.lang.Math.log
    return [of_java(value) for value in values]


def replay(
    windows: Iterable[Row], links: Iterable[Row], given: Mapping[str, float]
) -> tuple[list[Row], list[Row], list[Row]]:
    """Everything that is to be written, in the order of time within each key, but for the alerts' order.

    `given` are the pipeline's placeholders; those of the horizon and of what opens an alert have to be there.
    """
    by_key: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(windows, key=lambda row: row["window_end"]):
        by_key[row["venue"], row["symbol"]].append(row | {"at": milliseconds(row["window_end"])})
    charted = {key: _charted(own, given) for key, own in by_key.items()}
    flat = [row for own in charted.values() for row in own]
    logs = logarithms((1.0 if row["volume_ratio"] is None else row["volume_ratio"]) + 0.1 for row in flat)
    for row, value in zip(flat, logs, strict=True):
        row["volume_side"] = value
    bars, predictions, alerts = list[Row](), list[Row](), list[Row]()
    for key, own in charted.items():
        bars += [{name: row[name] for name in (*PASSED_ON, *INDICATORS)} for row in own]
        featured = _featured(own)
        told = _predicted(featured, given)
        predictions += [_prediction(row) for row in told]
        alerts += [*_symbol_alerts(by_key[key], given), *_bar_alerts(featured, given), *_drift_alerts(told, given)]
    return bars, predictions, [*alerts, *_venue_alerts(by_key, given), *_link_alerts(links)]


def _call(function: str, rows: list[Row], columns: tuple[str, ...], reads: Row, **arguments: Any) -> list[Row]:
    """The rows with the columns that a table function adds, of one model that sees all of them at once."""
    if not rows:
        return []
    declared = FUNCTIONS[function]
    resolved = declared.resolve({"on_time": ("at",), **reads, **arguments})
    pool = declared.make_pool(len(columns), resolved)
    values = np.array([[row[name] for name in columns] for row in rows], np.float64)
    times = np.array([row["at"] for row in rows], np.int64)
    outputs = pool.process(np.full(len(rows), pool.open(), np.int32), times, values)
    added = zip(*declared.present(outputs, columns, resolved), strict=True)
    names = [column.name for column in declared.added]
    return [row | dict(zip(names, more, strict=True)) for row, more in zip(rows, added, strict=True)]


# ---------------------------------------------------------------- bars and predictions
def _charted(windows: list[Row], given: Mapping[str, float]) -> list[Row]:
    bars, price = list[Row](), None
    for row in windows:
        if row["at"] // 1_000 % given["window"] == 0:
            price = row["close_price"] if row["close_price"] is not None else price
            mid = None if row["bid"] is None else (row["bid"] + row["ask"]) / 2
            bars.append(row | {"mid": mid, "price": mid if price is None else price})
    reads = {"price": ("price",), "volume": ("volume",)}
    return _call("INDICATORS", bars, ("price", "volume"), reads)


def _featured(bars: list[Row]) -> list[Row]:
    """Bars that have a quote, with their features: written as in the file, operation by operation."""
    known = [row for row in bars if row["mid"] is not None]
    found = list[Row]()
    for place, row in enumerate(known):
        mid = row["mid"]
        mid_1, mid_2 = (known[place - back]["mid"] if place >= back else None for back in (1, 2))
        depth = row["bid_size"] + row["ask_size"]
        found.append(row | {
            "spread_bp": 10000 * _or(row["mean_spread"], 0.0),
            "rsi_side": _or(row["rsi"], 50.0) / 50 - 1,
            "macd_side": 10000 * _or(row["macd_histogram"], 0.0) / mid,
            "band_side": _or(row["bollinger_position"], 0.5) - 0.5,
            "momentum_side": 10000 * _or(row["momentum"], 0.0) / mid,
            "return_1": 10000 * (0.0 if mid_1 is None else mid / mid_1 - 1),
            "return_2": 10000 * (0.0 if mid_1 is None or mid_2 is None else mid_1 / mid_2 - 1),
            "volatility_side": 10000 * _or(row["volatility"], 0.0) / mid,
            "flow_side": row["net_volume"] / row["volume"] if row["volume"] else 0.0,
            "book_side": (row["bid_size"] - row["ask_size"]) / depth if depth else 0.0,
        })  # fmt: skip
    return found


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _predicted(featured: list[Row], given: Mapping[str, float]) -> list[Row]:
    rows = _call(
        "MARKET_SIGNALS", featured, ("mid", "bid", "ask", *FEATURES),
        {"mid": ("mid",), "bid": ("bid",), "ask": ("ask",), "features": FEATURES},
        horizon=int(1_000 * given["horizon"]), threshold=given["signal"], cool_down=int(1_000 * given["cool_down"]),
        fee=0.001,
    )  # fmt: skip
    for place, row in enumerate(rows):
        recent = [each["outcome_right"] for each in rows[max(0, place - 99) : place + 1]]
        known = [right for right in recent if right is not None]
        row["recent_accuracy"] = sum(known) / len(known) if known else None
    return rows


def _prediction(row: Row) -> Row:
    names = ("venue", "symbol", "window_end", "mid", *PREDICTED, "recent_accuracy")
    return {"preset": "cutbank", **{name: row[name] for name in names}}


# ---------------------------------------------------------------- alerts
def _alert(kind: str, severity: str, is_so: bool, row: Row, at: int, evidence: Row) -> Row:
    return {
        "preset": "cutbank", "kind": kind, "severity": severity, "state": "open" if is_so else "close",
        "venue": row["venue"], "symbol": row.get("symbol"), "event_time": iso(at), "evidence": evidence,
    }  # fmt: skip


def _changes(kind: str, severity: str, rows: list[tuple[Row, bool, Row]]) -> list[Row]:
    """An alert of each row where something begins or ends: (row, whether it is so, evidence)."""
    found, was = list[Row](), False
    for row, is_so, evidence in rows:
        if is_so != was:
            found.append(_alert(kind, severity, is_so, row, row["at"], evidence))
        was = is_so
    return found


def _symbol_alerts(windows: list[Row], given: Mapping[str, float]) -> list[Row]:
    checks = (
        ("STALE", "warning", "quote_age_ms", "quote_age_ms", given["stale"]),
        ("CROSSED", "info", "crossed", "quotes", 0),
        ("DUPLICATES", "warning", "duplicates", "trades", 0),
        ("INVALID", "error", "invalid", "records", 0),
    )
    return [
        alert
        for kind, severity, name, told, limit in checks
        for alert in _changes(
            kind, severity, [(row, _or(row[name], 0) > limit, {told: row[name]}) for row in windows]
        )
    ]  # fmt: skip


def _venue_alerts(by_key: Mapping[tuple[str, str], list[Row]], given: Mapping[str, float]) -> list[Row]:
    found, slide = list[Row](), int(1_000 * given["slide"])
    for venue in sorted({venue for venue, _ in by_key}):
        rows = sorted(
            (row for (own, _), all_ in by_key.items() if own == venue for row in all_), key=lambda row: row["at"]
        )
        late, lows = list[tuple[Row, bool, Row]](), list[tuple[int, int]]()
        for begin, group in groupby(rows, key=lambda row: row["at"] // slide * slide):
            told = [row for row in group if row["lags"]]
            if not told:
                continue
            at, records = begin + slide - 1, sum(row["lags"] for row in told)
            lag = sum(row["lag_sum"] for row in told) // records  # Flink's is cut towards 0: none is negative here
            lows.append((at, min(row["lag_low"] for row in told)))
            delay = lag - min(low for then, low in lows if then >= at - 600_000)
            evidence = {"delay_ms": delay, "lag_ms": lag, "records": records}
            late.append(({"venue": venue, "at": at}, delay > given["latency"], evidence))
        found += _changes("LATENCY", "warning", late)
    return found


def _bar_alerts(featured: list[Row], given: Mapping[str, float]) -> list[Row]:
    columns = ("return_1", "volume_side", "spread_bp")
    scored = _call("RANDOM_CUT_FOREST", featured, columns, {"columns": columns}, trees=50, sample_size=128)
    odd, unusual = list[tuple[Row, bool, Row]](), list[tuple[Row, bool, Row]]()
    for place, row in enumerate(scored):
        moves = [abs(each["return_1"]) for each in scored[max(0, place - 60) : place + 1]]
        usual, move = statistics.median(moves), abs(row["return_1"])
        is_outlier = len(moves) > 20 and move > given["outlier"] * (usual + 0.5)
        odd.append((row, is_outlier, {"return_bp": row["return_1"], "usual_bp": usual}))
        evidence = {
            "anomaly_score": row["anomaly_score"], "return_bp": row["return_1"], "spread_bp": row["spread_bp"],
            "volume": row["volume"],
        }  # fmt: skip
        unusual.append((row, row["anomaly_score"] > given["anomaly"], evidence))
    return [*_changes("OUTLIER", "info", odd), *_changes("ANOMALY", "info", unusual)]


def _drift_alerts(predicted: list[Row], given: Mapping[str, float]) -> list[Row]:
    known = [row | {"wrong": 1 - row["outcome_right"]} for row in predicted if row["outcome_right"] is not None]
    rows = _call("DRIFT", known, ("wrong",), {"value": ("wrong",)}, method="adwin")
    over, since = int(given["drift_over"]), 10**9
    told = list[tuple[Row, bool, Row]]()
    for row in rows:
        since = 0 if row["drift"] else since + 1
        evidence = {name: row[name] for name in ("drift_statistic", "accuracy", "moves")}
        told.append((row, since <= over, evidence))
    return _changes("MODEL_DRIFT", "warning", told)


def _link_alerts(links: Iterable[Row]) -> list[Row]:
    kinds = {"gap": ("GAP", "warning"), "given_up": ("GIVEN_UP", "error"), "refused": ("REFUSED", "error")}
    return [
        _alert(*kinds[row["kind"]], True, row, milliseconds(row["event_time"]),
               {"missing": row["missing"], "detail": row["detail"]})
        for row in links
        if row["kind"] in kinds
    ]  # fmt: skip


# ---------------------------------------------------------------- what was written
def by_key(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Rows of each venue and symbol, in the order they are given."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["venue"], row["symbol"]].append(row)
    return dict(found)


def sorted_alerts(alerts: Iterable[Row]) -> list[str]:
    """Alerts in one order, their evidence read where it is text."""
    read = (
        alert | {"evidence": json.loads(alert["evidence"])} if isinstance(alert["evidence"], str) else alert
        for alert in alerts
    )
    return sorted(json.dumps(alert, sort_keys=True) for alert in read)
