"""The market's pipeline is exact under failure: windows of all trades and episodes of arbitrage bit for bit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.submit import submit
from models.arbitrage import ArbitragePool
from models.arbitrage.pool import EVENTS
from tests.cluster.chaos import RECOVERY_S, Chaos
from tests.cluster.market_input import VALUES, VENUES, MarketInput, found_windows, how_many, values, windows
from tests.cluster.replay import in_model_order, milliseconds

FEES = [0.0001, 0.0002]


def test_the_market_is_exact_under_failure(
    stack: Stack, tmp_path: Path, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    prefix = f"mk-{uuid.uuid4().hex[:6]}"
    file = tmp_path / "market_killed.sql"
    text = (PROJECT_ROOT / "sql" / "market.sql").read_text(encoding="utf-8").replace("'market-", f"'{prefix}-")
    file.write_text("SET 'cutbank.snapshot.records' = '300';\n" + text)
    given = VALUES | {"fees": json.dumps(FEES), "threshold": "0.0005"}
    kafka_admin.create_topics(stack.settings, {f"{prefix}-trades": 2, f"{prefix}-quotes": 2})
    submitted = submit(stack.settings, file, given)
    source = MarketInput(
        lambda topic, values, partition: produce(
            f"{prefix}-{topic}", values, key=lambda value: value["venue"].encode(), partition=partition
        ),
        keys=2, records=1_000_000, rate=300.0, seed=9,
    )  # fmt: skip
    source.start()
    chaos = Chaos(stack, submitted.job_id, f"{prefix}-arbitrage", seed=4)
    try:
        chaos.kill_all()
        source.end()
        trades = values(read_committed(f"{prefix}-trades", at_least=source.sent_to["trades"]))
        quotes = in_model_order(read_committed(f"{prefix}-quotes", at_least=source.sent_to["quotes"]))
        trades, quotes = ([row for row in rows if row["symbol"] != "CLOSING"] for rows in (trades, quotes))
        events, wanted = _events(quotes), windows(trades)
        written = read_committed(f"{prefix}-windows", at_least=how_many(trades, quotes), timeout_s=RECOVERY_S)
        episodes = read_committed(f"{prefix}-arbitrage", at_least=len(events), timeout_s=RECOVERY_S)
    finally:
        source.stopped.set()
        stack.rest.cancel(submitted.job_id)
        stack.rest.wait_for_end(submitted.job_id)
    assert found_windows(written) == wanted
    # bit for bit and in the order of the topic
    found = [(row["event_time"], row["arbitrage_event"], row["edge"], row["episode"]) for row in values(episodes)]
    assert found == events and len(events) > 20
    assert not read_committed(f"{prefix}-quotes-late", timeout_s=0)
    assert chaos.replayed_behind_snapshots, f"no kill fell on a log behind a snapshot: {chaos.replayed}"


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
