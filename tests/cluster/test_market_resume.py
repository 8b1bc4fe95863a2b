"""The market's pipeline stopped with a savepoint and run again at another parallelism: its windows go on, bit for bit.

Its windows are written by one task whatever the parallelism, so what that task is chained to changes with it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.settings import PROJECT_ROOT
from jobs.stack import Stack, kafka_admin
from jobs.submit import stop, submit
from tests.cluster.chaos import RECOVERY_S
from tests.cluster.market_input import VALUES, MarketInput, found_windows, how_many, values, windows
from tests.cluster.replay import iso

RECORDS = 1_500


def test_the_market_goes_on_at_another_parallelism_and_defect_19_an_empty_partition_stalls_nothing(
    stack: Stack, tmp_path: Path, produce: Callable[..., None], read_committed: Callable[..., list[Any]]
) -> None:
    prefix = f"mr-{uuid.uuid4().hex[:6]}"
    file = tmp_path / f"{prefix}.sql"
    text = (PROJECT_ROOT / "sql" / "market.sql").read_text(encoding="utf-8").replace("'market-", f"'{prefix}-")
    file.write_text(text)
    # two of three partitions have records: the third holds nothing back once it counts as idle
    kafka_admin.create_topics(stack.settings, {f"{prefix}-trades": 3, f"{prefix}-quotes": 3})
    sent: Counter[str] = Counter()
    for turn, parallelism in enumerate((1, 2)):
        source = MarketInput(
            lambda topic, values, partition: produce(f"{prefix}-{topic}", values, partition=partition),
            keys=2, records=RECORDS, rate=0, seed=turn, spread_ms=10, start_ms=1_790_000_000_000 + turn * 120_000,
        )  # fmt: skip
        source.run()
        for topic, count in source.sent_to.items():
            sent[topic] += count
        submitted = submit(
            stack.settings.model_copy(update={"parallelism": parallelism}), file, VALUES | {"idle": "10"}
        )
        assert (submitted.resumed_from is None) == (turn == 0)
        trades, quotes = (
            values(read_committed(f"{prefix}-{topic}", at_least=sent[topic])) for topic in ("trades", "quotes")
        )
        # the last records close the windows before them; their own come in the next turn
        due = [[row for row in rows if row["event_time"] < iso(source.end_ms + 30_000)] for rows in (trades, quotes)]
        # distances are from the first price of all, which the second turn knows from the savepoint
        wanted = windows(*([row for row in rows if row["symbol"] != "CLOSING"] for rows in (trades, quotes)))
        written = read_committed(f"{prefix}-windows", at_least=how_many(*due), timeout_s=RECOVERY_S)
        assert found_windows(written) == wanted
        assert stop(stack.settings, prefix)
