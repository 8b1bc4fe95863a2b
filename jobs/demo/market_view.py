"""How the demonstration of the market system looks: tables that are redrawn on a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table

from jobs.demo.market import Board, MarketSummary
from jobs.demo.market_counts import (
    ALERTS,
    ARBITRAGE,
    BARS,
    BASELINES,
    PREDICTIONS,
    QUOTES,
    TRADES,
    Fate,
    newest,
    together,
)

_BAR = ("trades", "volume", "close_price", "std_by_trade", "rsi", "macd_histogram", "bollinger_position")
_PREDICTION = ("score", "moves", "accuracy", "accuracy_low", "accuracy_high", *BASELINES, "net_bp")


def line(board: Board) -> str:
    """A board on one line."""
    seen = board.seen
    text = (
        f"{seen[TRADES]:,} trades, {seen[QUOTES]:,} quotes; {seen[BARS]:,} bars, {seen[PREDICTIONS]:,} predictions, "
        f"{seen[ARBITRAGE]:,} arbitrage events, {seen[ALERTS]:,} alerts; the job is {board.state}"
    )
    known = together(board.predictions.values())
    return f"{text}; {known['accuracy']:.3f} right of {known['moves']:,} moves" if known else text


def drawn(board: Board) -> RenderableType:
    """Newest bars with their indicators, predictions with their score so far, episodes and alerts."""
    parts: list[RenderableType] = [line(board), _table("bar", board.bars, _BAR)]
    parts.append(predictions_table(board.predictions))
    parts += [
        f"arbitrage  {row['arbitrage_event']:6s} {row['base']}/{row['quote']} buy at {row['buy_venue']}, sell at "
        f"{row['sell_venue']}, {1e4 * row['best_edge']:.2f} bp before fees, {row['episode_ms'] / 1000:g} s"
        for row in board.episodes
        if row.get("best_edge") is not None
    ]
    parts += [
        f"alert      {row['state']:6s} {row['kind']} {row['venue']} {row.get('symbol') or ''} {row['evidence']}"
        for row in board.alerts
    ]
    return Group(*parts)


def predictions_table(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """The newest prediction of each symbol, with how good all of them were, beside the baselines."""
    return _table("prediction", rows, _PREDICTION)


def _table(what: str, rows: Mapping[str, Mapping[str, Any]], columns: tuple[str, ...]) -> Table:
    table = Table()
    table.add_column(what)
    for name in columns:
        table.add_column(name.replace("baseline_", "").replace("_", " "), justify="right")
    for name in sorted(rows):
        table.add_row(name, *[_cell(rows[name].get(column)) for column in columns])
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def as_object(summary: MarketSummary) -> dict[str, Any]:
    """The summary as JSON has it."""
    return {
        **asdict(summary.counts),
        "consistent": summary.counts.consistent,
        "accuracy": together(newest(summary.predictions).values()),
        "seconds": round(summary.seconds, 1),
        "stack_left_running": summary.stack_left_running,
    }


def report(summary: MarketSummary, out: Console) -> None:
    """The summary for people: what became of everything, and what the predictions were worth."""
    counts = summary.counts
    last = newest(summary.predictions)
    out.print(predictions_table(last))

    def tell(text: str) -> None:
        out.print(text, markup=False, highlight=False)

    known = together(last.values())
    if known:
        tell(
            f"accuracy      {known['accuracy']:.3f} of {known['moves']:,} moves; always up {known['baseline_up']:.3f}, "
            f"as before {known['baseline_same']:.3f}, the opposite {known['baseline_opposite']:.3f}; by inverse error "
            f"{known['inverse_accuracy']:.3f}; Brier score {known['brier']:.3f}"
        )
    tell(f"frames        {counts.frames_sent:,} sent by the fake exchanges, {counts.frames_collected:,} collected")
    tell(f"trades        {_fate(counts.trades)}")
    tell(f"quotes        {_fate(counts.quotes)}")
    tell(
        f"bars          {counts.bars:,} = {counts.closing_windows:,} of {counts.windows:,} windows, without overlap; "
        f"{counts.quoted_bars:,} with quotes, {counts.predictions:,} predictions, {counts.signals:,} signals"
    )
    tell(f"arbitrage     {counts.episodes:,} episodes opened, {counts.closed_episodes:,} closed, before fees")
    alerts = ", ".join(f"{kind} {number:,}" for kind, number in counts.alerts.items()) or "none"
    tell(f"alerts        {alerts}")
    verdict = "everything is accounted for" if counts.consistent else "THIS DOES NOT ADD UP"
    tell(f"{verdict}; {summary.seconds:.0f} s in all")


def _fate(fate: Fate) -> str:
    return (
        f"{fate.sent:,} sent, {fate.read:,} read = {fate.in_bars:,} in bars + {fate.rejected:,} rejected + "
        f"{fate.late:,} late + {fate.pending:,} behind the last bar"
    )
