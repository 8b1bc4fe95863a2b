"""The market's two pipelines are exact under failure: windows, episodes, bars, predictions and alerts, bit for bit.

They run side by side, the second on the windows of the first, and the same kills hit both. Then the second is stopped
with a savepoint and goes on at another parallelism, before the input ends.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.stack.processes import wait_until
from jobs.submit import stop, submit
from models.arbitrage import ArbitragePool
from models.arbitrage.pool import EVENTS
from tests.cluster.chaos import RECOVERY_S, Chaos, Watched
from tests.cluster.market_input import VALUES, VENUES, MarketInput, found_windows, how_many, values, windows
from tests.cluster.replay import in_model_order, iso, milliseconds
from tests.cluster.signals_replay import by_key, replay, sorted_alerts

FEES = [0.0001, 0.0002]
#: Limits that are passed now and then, so that all kinds of alerts open and close, and signals are given.
SIGNALS = {
    "horizon": 8.0, "signal": 0.6, "cool_down": 20.0, "stale": 400.0, "latency": 110.0, "outlier": 2.0, "anomaly": 1.0,
    "drift_over": 20.0,
}  # fmt: skip
#: The models of the two pipelines.
FUNCTIONS = ({"ARBITRAGE"}, {"INDICATORS", "MARKET_SIGNALS", "RANDOM_CUT_FOREST", "DRIFT"})
#: Records until predictions have drifted.
ENOUGH = 15_000
KINDS = ("gap", "status", "refused", "given_up")


@pytest.mark.kills
def test_the_market_is_exact_under_failure(
    stack: Stack, tmp_path: Path, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    prefix = f"mk-{uuid.uuid4().hex[:6]}"
    # small logs, so that kills fall before and after snapshots; there are many quotes for each bar
    market, signals = _file(tmp_path, "market", prefix, 300), _file(tmp_path, "market_signals", prefix, 20)
    given = VALUES | {"fees": json.dumps(FEES), "threshold": "0.0005"}
    told = {name: f"{value:g}" for name, value in SIGNALS.items()} | VALUES
    kafka_admin.create_topics(
        stack.settings, {f"{prefix}-trades": 2, f"{prefix}-quotes": 2, f"{prefix}-windows": 1, f"{prefix}-links": 1}
    )
    first, second = submit(stack.settings, market, given), submit(stack.settings, signals, told)
    links: list[dict[str, Any]] = []

    def send(topic: str, rows: list[dict[str, Any]], partition: int) -> None:
        produce(f"{prefix}-{topic}", rows, key=lambda row: row["venue"].encode(), partition=partition)
        if topic == "quotes":
            links.append(_link(len(links), rows[0]))
            produce(f"{prefix}-links", links[-1:])

    source = MarketInput(send, keys=2, records=1_000_000, rate=200.0, seed=9, spread_ms=60)
    source.start()
    jobs = [
        Watched(stack, job.job_id, f"{prefix}-{output}")
        for job, output in ((first, "arbitrage"), (second, "predictions"))
    ]
    chaos = Chaos(stack, jobs, seed=4)
    try:
        chaos.kill_all()
        assert wait_until(lambda: source.sent >= ENOUGH, RECOVERY_S)
        assert stop(stack.settings, signals.stem)
        # of two tasks one has no windows to read: it holds the other back until it counts as idle
        second = submit(stack.settings.model_copy(update={"parallelism": 2}), signals, told | {"idle": "3"})
        assert second.resumed_from is not None
        source.end()
        trades = values(read_committed(f"{prefix}-trades", at_least=source.sent_to["trades"]))
        quotes = in_model_order(read_committed(f"{prefix}-quotes", at_least=source.sent_to["quotes"]))
        trades, quotes = ([row for row in rows if row["symbol"] != "CLOSING"] for rows in (trades, quotes))
        events, wanted = _events(quotes), windows(trades, quotes)
        written = read_committed(f"{prefix}-windows", at_least=how_many(trades, quotes), timeout_s=RECOVERY_S)
        episodes = read_committed(f"{prefix}-arbitrage", at_least=len(events), timeout_s=RECOVERY_S)
        bars, predictions, alerts = replay(
            values(written), links, SIGNALS | {name: int(value) for name, value in VALUES.items()}
        )
        expected, found = {"bars": bars, "predictions": predictions, "alerts": alerts}, dict[str, Any]()
        closing = (_closing(source.end_ms, number) for number in count())

        def complete() -> bool:
            """Time goes on until all is there: a watermark that finds its source idle behind it is not passed on."""
            produce(f"{prefix}-windows", [next(closing)])
            found.update({name: values(read_committed(f"{prefix}-{name}", timeout_s=0)) for name in expected})
            return all(len(found[name]) >= len(rows) for name, rows in expected.items())

        wait_until(complete, RECOVERY_S, every_s=1.0)
    finally:
        source.stopped.set()
        for job_id in (first.job_id, second.job_id):
            if stack.rest.job(job_id).is_live:
                stack.rest.cancel(job_id)
                stack.rest.wait_for_end(job_id)
    assert found_windows(written) == wanted
    # bit for bit and in the order of the topic
    told_of = [(row["event_time"], row["arbitrage_event"], row["edge"], row["episode"]) for row in values(episodes)]
    assert told_of == events and len(events) > 20
    for name, rows in (("bars", bars), ("predictions", predictions)):
        theirs = by_key(found[name])
        assert theirs.keys() == by_key(rows).keys()
        for key, own in by_key(rows).items():
            assert theirs[key] == own, (name, key)
    assert sorted_alerts(found["alerts"]) == sorted_alerts(alerts)
    _assert_much_happened(predictions, alerts)
    for topic in ("quotes", "windows"):
        assert not read_committed(f"{prefix}-{topic}-late", timeout_s=0)
    for watched, functions in zip(jobs, FUNCTIONS, strict=True):
        behind = {operator.partition("_(")[0] for operator in watched.replayed_behind_snapshots}
        assert behind == functions, f"no kill fell on a log behind a snapshot: {watched.replays}"


def _file(folder: Path, name: str, prefix: str, records: int) -> Path:
    """The pipeline with topics of its own and a snapshot every so many records."""
    file = folder / f"{prefix}_{name}.sql"
    text = (PROJECT_ROOT / "sql" / f"{name}.sql").read_text(encoding="utf-8").replace("'market-", f"'{prefix}-")
    file.write_text(f"SET 'cutbank.snapshot.records' = '{records}';\n{text}")
    return file


def _link(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """What happens to a connection while a record comes."""
    return {
        "venue": row["venue"], "event_time": row["event_time"], "kind": KINDS[number % 4], "symbol": row["symbol"],
        "detail": f"number {number}", "missing": number,
    }  # fmt: skip


def _closing(end_ms: int, number: int) -> dict[str, Any]:
    """A window that moves time on; it is no bar, because bars end with a multiple of a window's length."""
    return {"venue": "nobody", "symbol": "CLOSING", "window_end": iso((end_ms // 4_000 + 15 + number) * 4_000 + 1_000)}


def _assert_much_happened(predictions: list[dict[str, Any]], alerts: list[dict[str, Any]]) -> None:
    """Each model has told something that depends on all it has seen."""
    assert {row["signal"] for row in predictions} > {None} and max(row["moves"] for row in predictions) > 100
    kinds = Counter((alert["kind"], alert["state"]) for alert in alerts)
    for kind in ("LATENCY", "STALE", "CROSSED", "DUPLICATES", "OUTLIER", "ANOMALY", "MODEL_DRIFT"):
        assert kinds[kind, "open"], (kind, kinds)
    assert all(kinds[kind, "open"] for kind in ("GAP", "REFUSED", "GIVEN_UP")), kinds


def _events(quotes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What one model makes of all quotes in their order."""
    pool = ArbitragePool(FEES, 0.0005, 2_000, 1_000, 0.0)
    values = np.array([[VENUES.index(q["venue"]), q["bid"], q["bid_size"], q["ask"], q["ask_size"]] for q in quotes])
    times = np.array([milliseconds(quote["event_time"]) for quote in quotes])
    results = pool.process(np.full(len(quotes), pool.open(), np.int32), times, values)
    number = lambda value: None if value != value else value  # noqa: E731
    return [
        (quote["event_time"], EVENTS[int(event)], number(edge), number(episode))
        for quote, event, edge, episode in zip(
            quotes, results["event"], results["edge"].tolist(), results["episode"].tolist(), strict=True
        )
        if EVENTS[int(event)] is not None
    ]
