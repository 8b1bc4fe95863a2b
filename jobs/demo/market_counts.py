"""What became of every trade and quote of the market's demonstration, each counted from its own topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobs.demo.findings import time_ms

TRADES, QUOTES, LINKS, FRAMES = "market-trades", "market-quotes", "market-links", "market-frames-rejects"
WINDOWS, BARS = "market-windows", "market-bars"
PREDICTIONS, ARBITRAGE, ALERTS = "market-predictions", "market-arbitrage", "market-alerts"

Row = Mapping[str, Any]

#: What an ensemble's scoreboard is held against, by column.
BASELINES: Final = ("baseline_up", "baseline_same", "baseline_opposite")


@dataclass(frozen=True)
class Fate:
    """What became of the records of one topic.

    Attributes
    ----------
    sent, read
        What the feeds say that the broker took, and what the topic holds.
    in_bars, rejected, late
        Those in a bar, and those refused.
    pending
        Those behind the last bar.
    """

    sent: int
    read: int
    in_bars: int
    rejected: int
    late: int
    pending: int

    @property
    def consistent(self) -> bool:
        """Whether each is somewhere, once."""
        return self.sent == self.read == self.in_bars + self.rejected + self.late + self.pending


@dataclass(frozen=True)
class MarketCounts:
    """Everything, counted.

    Attributes
    ----------
    frames_sent, frames_collected
        What the fake exchanges sent, and what the collectors received.
    trades, quotes
        What became of them.
    windows, closing_windows, bars
        Windows, those of them that do not overlap and end no later than the last bar, and bars: these two are the same.
    quoted_bars, predictions
        Bars with quotes, and predictions: one each.
    signals
        Predictions that gave one.
    episodes, closed_episodes
        Of arbitrage.
    alerts
        By kind, those that opened.
    """

    frames_sent: int
    frames_collected: int
    trades: Fate
    quotes: Fate
    windows: int
    closing_windows: int
    bars: int
    quoted_bars: int
    predictions: int
    signals: int
    episodes: int
    closed_episodes: int
    alerts: dict[str, int]

    @property
    def consistent(self) -> bool:
        """Whether everything adds up."""
        return (
            self.frames_sent == self.frames_collected
            and self.trades.consistent
            and self.quotes.consistent
            and self.closing_windows == self.bars
            and self.quoted_bars == self.predictions
            and 0 <= self.episodes - self.closed_episodes <= 1
        )


def count(
    topics: Mapping[str, Sequence[Row]],
    *,
    sent: Mapping[str, int],
    frames_sent: int,
    frames_collected: int,
    refused: Mapping[str, tuple[int, int]],
    bar_ms: int,
) -> MarketCounts:
    """The counts from the records of the topics.

    Parameters
    ----------
    topics
        The values of each topic, committed ones only.
    sent
        Trades and quotes that the feeds have sent, by topic.
    frames_sent, frames_collected
        As the fake exchanges and the collectors tell.
    refused
        Rejected and late records, by topic.
    bar_ms
        Length of a bar.
    """
    bars = topics[BARS]
    end_ms = max((time_ms(bar["window_end"]) for bar in bars), default=0)

    def fate(topic: str, column: str) -> Fate:
        rows = topics[topic]
        behind = sum(time_ms(row["event_time"]) >= end_ms for row in rows)
        in_bars = sum(int(bar.get(column) or 0) for bar in bars)
        return Fate(sent[topic], len(rows), in_bars, *refused[topic], behind)

    events = Counter(row["arbitrage_event"] for row in topics[ARBITRAGE])
    return MarketCounts(
        frames_sent=frames_sent,
        frames_collected=frames_collected,
        trades=fate(TRADES, "trades"),
        quotes=fate(QUOTES, "quotes"),
        windows=len(topics[WINDOWS]),
        closing_windows=sum(
            time_ms(row["window_end"]) % bar_ms == 0 and time_ms(row["window_end"]) <= end_ms for row in topics[WINDOWS]
        ),
        bars=len(bars),
        quoted_bars=sum(bar.get("bid") is not None for bar in bars),
        predictions=len(topics[PREDICTIONS]),
        signals=sum(row.get("signal") is not None for row in topics[PREDICTIONS]),
        episodes=events["open"],
        closed_episodes=events["close"],
        alerts=dict(sorted(Counter(row["kind"] for row in topics[ALERTS] if row["state"] == "open").items())),
    )


def newest(rows: Iterable[Row]) -> dict[str, Row]:
    """The last row of each venue and symbol, by the end of its bar."""
    found: dict[str, Row] = {}
    for row in rows:
        name = f"{row['venue']} {row['symbol']}"
        if name not in found or row["window_end"] > found[name]["window_end"]:
            found[name] = row
    return dict(sorted(found.items()))


def together(rows: Iterable[Row]) -> dict[str, float]:
    """Accuracy and baselines over all symbols: each symbol's share, by how many moves it is of."""
    known = [row for row in rows if row.get("moves")]
    moves = sum(row["moves"] for row in known)
    if not moves:
        return {}
    names = ("accuracy", "inverse_accuracy", *BASELINES, "brier")
    return {"moves": moves} | {name: sum(row[name] * row["moves"] for row in known) / moves for name in names}
