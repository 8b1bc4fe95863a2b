"""What the original market system predicts and reports, and what is true, beside ours on the same bars.

Markets are generated, so that the truth is known: a walk without memory, and one of which a feature tells six moves in
ten. The features are the original's ten. Quotes of two exchanges are recorded ones.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.results import PAGE, machine, show, write
from feeds.exchanges.quotes_csv import Pair, quotes, read_rows
from jobs.settings import load_settings
from models.arbitrage import ArbitragePool
from models.original_market import OriginalMarketPool
from models.signals import Rules, SignalsPool

MARKET_PAGE = PAGE.with_name("market.md")
PAIR = "market/link_usdt_2ex_bbo_7200s.csv.gz"
KEYS, BARS, MINUTE_MS = 20, 2_000, 60_000
MARKETS = {"a walk without memory": 0.5, "six moves in ten are told": 0.6}
DRIFT_BELOW, DRIFT_OVER = 0.45, 100
SPREAD = 0.001
VENUES = ("huobi", "binance")
DAY_MS = 86_400_000

Floats = npt.NDArray[np.float64]


def main() -> None:
    """Measure, write the figures, show them on the page."""
    pair = load_settings().data / PAIR
    if not pair.is_file():
        raise SystemExit(f"no quotes {pair}: set CUTBANK_DATA")
    report = {"machine": machine(), "keys": KEYS, "bars": BARS, "markets": predictions(), "spreads": spreads(pair)}
    text = table(report)
    print(text)
    print("written:", write("market_original", report), show("market-original", text, MARKET_PAGE))


# -------------------------------------------------------------------------------- predictions
def market(right: float, seed: int) -> Floats:
    """(BARS, KEYS, 3 + 10): quotes near 60,000 and the ten features, of which the third is the hint."""
    dice = np.random.default_rng(seed)
    features = dice.normal(size=(BARS, KEYS, 10))
    signs = np.sign(features[..., 2]) * np.where(dice.random((BARS, KEYS)) < right, 1, -1)
    returns = signs * np.abs(dice.normal(0, 8e-4, (BARS, KEYS)))
    mid = 60_000 * np.exp(np.vstack([np.zeros((1, KEYS)), np.cumsum(returns, axis=0)[:-1]]))
    features[..., 0] = mid
    features[..., 5] = 50 + 10 * features[..., 5]
    return np.concatenate([np.stack([mid, mid - 0.5, mid + 0.5], axis=2), features], axis=2)


def predictions() -> dict[str, dict[str, dict[str, float]]]:
    """Figures of both systems on each market, of all keys together."""
    contenders = {"original": OriginalMarketPool, "cutbank": SignalsPool}
    return {
        name: {who: _played(market(right, seed), pool(10, Rules())) for who, pool in contenders.items()}
        for seed, (name, right) in enumerate(MARKETS.items())
    }


def _played(rows: Floats, pool: Any) -> dict[str, float]:
    slots = np.tile(np.array([pool.open() for _ in range(KEYS)], np.int32), BARS)
    found = pool.process(slots, np.repeat(np.arange(BARS) * MINUTE_MS, KEYS), rows.reshape(BARS * KEYS, -1))
    by_key = {name: values.reshape(BARS, KEYS) for name, values in found.items()}
    end = {name: float(values[-1].sum()) for name, values in by_key.items()}
    return {
        "accuracy": end["right"] / end["moves"],
        "error": 1.96 * 0.5 / end["moves"] ** 0.5,
        "moves": end["moves"],
        "largest_score": float(np.abs(by_key["score"]).max()),
        "signals": float((by_key["signal"] != 0).sum()),
        "inverse_weight_low": float(by_key["inverse_weight_low"][-1].min()),
        "inverse_weight_high": float(by_key["inverse_weight_high"][-1].max()),
        "false_drift_share": false_drift(by_key["outcome_score"], by_key["outcome_return"]),
        "net_bp": 1e4 * end["net"] / end["trades"],
    }


def false_drift(scores: Floats, returns: Floats) -> float:
    """At which share of all bars "sign accuracy below 0.45 over 100" says that a model has drifted, which none has."""
    told = []
    for score, change in zip(scores.T, returns.T, strict=True):
        known = np.isfinite(change) & (score != 0)
        right = np.cumsum(np.concatenate([[0.0], score[known] * change[known] > 0]))
        told.append((right[DRIFT_OVER:] - right[:-DRIFT_OVER]) / DRIFT_OVER < DRIFT_BELOW)
    return float(np.concatenate(told).mean())


# -------------------------------------------------------------------------------- spreads
def spreads(pair: Path) -> dict[str, int]:
    """Alerts over two hours of two exchanges: middles however old, a tick; a bid against an ask of the moment."""
    rows = list[tuple[int, int, float, float, float, float]]()
    of = Pair("LINKUSDT", "LINK", "USDT")
    for record in quotes(read_rows(pair), source=pair.name, pair=of, wall_ns=lambda: 0, speed=0.0):
        value = json.loads(record.value)
        at = round(1000 * datetime.fromisoformat(value["event_time"]).timestamp())
        venue = VENUES.index(value["venue"])
        rows.append((at, venue, value["bid"], value["bid_size"], value["ask"], value["ask_size"]))
    # huobi comes half a minute late, as after an outage, and the original takes what it has
    late = sorted(rows, key=lambda row: row[0] + (30_000 if row[1] == 0 else 0))
    middles = np.array([(venue, (bid + ask) / 2, 1.0, (bid + ask) / 2, 1.0) for _, venue, bid, _, ask, _ in late])
    original = ArbitragePool([0.0, 0.0], SPREAD, DAY_MS, DAY_MS)
    arrived = np.maximum.accumulate(np.array([row[0] for row in late]))
    ticks = original.process(np.full(len(late), original.open(), np.int32), arrived, middles)
    ours = ArbitragePool([0.0, 0.0], SPREAD)
    slots, at = np.full(len(rows), ours.open(), np.int32), np.array([row[0] for row in rows])
    found = ours.process(slots, at, np.array([row[1:] for row in rows]))
    return {
        "quotes": len(rows),
        "original_alerts": int((ticks["edge"] > SPREAD).sum()),
        "episodes": int((found["event"] == 1).sum()),
    }


# -------------------------------------------------------------------------------- the page
def table(report: dict[str, Any]) -> str:
    """The figures as the page shows them."""
    lines = [
        f"{report['keys']} symbols of {report['bars']:,} bars each; spreads above {SPREAD:.1%}",
        "",
        f"{'':30s}{'accuracy, honest':19s}{'largest score':>14s}{'signals':>9s}   {'weights of its members':24s}"
        f"{'false drift':>12s}{'net bp':>9s}",
    ]
    for name, contenders in report["markets"].items():
        lines.append(name)
        for who, figures in contenders.items():
            accuracy = f"{figures['accuracy']:.3f} +-{figures['error']:.3f}"
            weights = f"{figures['inverse_weight_low']:.3f} to {figures['inverse_weight_high']:.3f}"
            lines.append(
                f"  {who:28s}{accuracy:19s}{figures['largest_score']:>14.4f}{figures['signals']:>9,.0f}   {weights:24s}"
                f"{figures['false_drift_share']:>11.1%} {figures['net_bp']:>8.1f}"
            )
    told = report["spreads"]
    lines += [
        "",
        f"two hours of LINK/USDT, {told['quotes']:,} quotes, one exchange half a minute late: "
        f"{told['original_alerts']:,} alerts of the original,",
        f"{told['episodes']} episodes of ours",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
