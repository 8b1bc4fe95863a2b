"""The market's pipeline over files: the real SQL, with files in place of topics, and recorded frames as its input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from feeds.exchanges import VENUES
from feeds.exchanges.inbox import Received
from feeds.exchanges.intake import Intake
from feeds.exchanges.recording import read_recording
from jobs.settings import PROJECT_ROOT, load_settings
from tests.jobs.conftest import rows_in, write_rows
from tests.unit.feeds.exchanges.conftest import Link, Topics

FOLDER = load_settings().data / "market"
RECORDING = FOLDER / "binance_3venues_btc_eth_180s.jsonl.gz"

Record = dict[str, Any]

_WITH = re.compile(r"\) WITH \((?P<options>[^;]*?)\);", re.DOTALL)


class Market(NamedTuple):
    """Records as the collectors write them."""

    trades: list[Record]
    quotes: list[Record]


@cache
def recorded() -> Market:
    """The 180 seconds of three venues, in the order of receiving, through parsers and intakes."""
    topics, intakes, links = Topics(), dict[str, Intake](), dict[str, Link]()
    for place, (venue, frame) in enumerate(read_recording(RECORDING)):
        if venue not in intakes:
            intakes[venue], links[venue] = Intake(VENUES[venue], topics), Link()
        intakes[venue].take(Received(links[venue], place, frame.at_ns, frame.at_ns / 1e9, frame.data))
    for venue, intake in intakes.items():
        intake.forget(links[venue].number)
    return Market(topics.trades, topics.quotes)


def run_pipeline(
    name: str,
    tables: Any,
    script: Callable[..., Any],
    folder: Path,
    inputs: Mapping[str, Iterable[Record]],
    **values: object,
) -> dict[str, list[Record]]:
    """Everything the pipeline of this name, one of ours, writes about these records, by topic.

    `inputs` are records by topic, in the order of arrival; a topic without any is empty. `values` fill placeholders.
    """
    from jobs.expand.graph import build

    written: dict[str, Path] = {}

    def to_file(found: re.Match[str]) -> str:
        options = found["options"]
        topic = re.search(r"'topic' = '([^']+)'", options)
        assert topic is not None
        of = topic[1]
        if "'scan.startup.mode'" in options:
            path = write_rows(folder / f"{of}.json", inputs.get(of, ()))
        else:
            path = written[of] = folder / f"out-{of}"
        return (
            f") WITH ('connector' = 'filesystem', 'path' = '{path.as_uri()}', 'format' = 'json', "
            "'json.timestamp-format.standard' = 'ISO-8601');"
        )

    folder.mkdir(exist_ok=True)
    text = _WITH.sub(to_file, (PROJECT_ROOT / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
    filled = script(text, **{key: str(value) for key, value in values.items()})
    build(tables, filled, name, to="execute").statements.execute().wait()
    return {topic: rows_in(path) for topic, path in written.items()}
