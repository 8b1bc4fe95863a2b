"""From frames to records in Kafka: parse, leave out what came before, find gaps, date what has no time, send."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from feeds.exchanges.counts import Counts
from feeds.exchanges.inbox import Event, Received
from feeds.exchanges.market import Instrument, Notice, Numbered, Quote, Reject, TopChange, Trade
from feeds.exchanges.order import Numbers, Order, Seen, Verdict
from feeds.exchanges.top import Top
from feeds.exchanges.values import MARKET, Topics, instrument_key, quote_record, reject_record, trade_record
from feeds.exchanges.venue import Venue
from feeds.play import Sink
from feeds.records import Outgoing

BORROW_S = 1.0
"""So long a connection's last exchange time stands as it is for quotes that have none."""

MAX_HELD = 10_000
"""Quotes that wait for the first exchange time of their connection; beyond them the oldest go with receive
time."""


class _Clock:
    """The exchange's time as one connection shows it, for quotes that have none of their own."""

    __slots__ = ("event_ns", "frames", "held", "seen_s")

    def __init__(self) -> None:
        self.event_ns: int | None = None
        self.seen_s = 0.0
        self.held: list[tuple[Received, Quote]] = []
        self.frames: Numbers | None = None


class Intake:
    """Turns the frames of one venue into records. Used by one thread; knows no clock and no network.

    A quote without a time of its own gets the last exchange time that its connection has shown; where that is
    older than `borrow_s` by our clock, the time since is added. Quotes in front of the first such time wait
    for it, `borrow_s` at most; then they get the time of receiving. `event_time_source` says which it was.

    Parameters
    ----------
    venue
        Whose frames.
    sink
        Where records go; its `send` may wait.
    counts
        Is written.
    on_event
        Is told of gaps, refusals and announced ends.
    borrow_s
        See above; 0: the time of receiving, always.
    topics
        Where records go.
    """

    def __init__(
        self,
        venue: Venue,
        sink: Sink,
        *,
        counts: Counts | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        borrow_s: float = BORROW_S,
        topics: Topics = MARKET,
    ) -> None:
        self._venue, self._sink, self._on_event, self._borrow_s = venue, sink, on_event, borrow_s
        self.topics = topics
        self.counts = counts if counts is not None else Counts()
        self._order = Order()
        self._top = Top()
        self._clocks: dict[int, _Clock] = {}

    def take(self, received: Received) -> None:
        """Everything one frame says, sent or counted.

        Raises
        ------
        CutbankError
            From the sink: a record was not accepted.
        """
        clock = self._clocks.get(received.link.number)
        if clock is None:
            clock = self._clocks[received.link.number] = _Clock()
        if clock.held and received.at_s - clock.held[0][0].at_s > self._borrow_s:
            self._release(clock)
        for record in self._venue.parse(received.frame):
            # by frequency
            if isinstance(record, Quote):
                self._top.rest(record)
                self._quote(received, clock, record)
            elif isinstance(record, Trade):
                self._trade(received, clock, record)
            elif isinstance(record, TopChange):
                self._change(received, clock, record)
            elif isinstance(record, Numbered):
                if not self._is_new_frame(received, clock, record.sequence):
                    break
            elif isinstance(record, Notice):
                self._notice(received, record)
            else:
                self._reject(received, record)

    def forget(self, number: int) -> None:
        """The connection of this number has ended, and all its frames were taken."""
        clock = self._clocks.pop(number, None)
        if clock is not None:
            self._release(clock)

    def _is_new_frame(self, received: Received, clock: _Clock, sequence: int) -> bool:
        if clock.frames is None:
            clock.frames = Numbers()
        seen = clock.frames.see(sequence, sequence)
        if seen.verdict is Verdict.DUPLICATE:
            self.counts.duplicates += 1
            return False
        if seen.hole is not None:
            self.counts.missing_frames += seen.hole[1] - seen.hole[0] + 1
            self._gap(received, None, "frames", seen.hole)
        self.counts.missing_frames -= seen.filled
        return True

    def _trade(self, received: Received, clock: _Clock, trade: Trade) -> None:
        received.link.liveness.data(received.at_s)
        seen = self._order.trade(trade)
        if not self._passes(received, trade, seen):
            return
        if not seen.filled and not seen.leapt:  # a trade that comes late shows an old time
            self._show(clock, trade.event_ns, received)
        record = trade_record(trade, receive_ns=received.at_ns, connection=received.link.number)
        if self._sent(self.topics.trades, trade.instrument, record):
            self.counts.trades += 1

    def _passes(self, received: Received, trade: Trade, seen: Seen) -> bool:
        if seen.hole is not None:
            self.counts.missing += seen.hole[1] - seen.hole[0] + 1
            self._gap(received, trade.instrument.symbol, trade.channel, seen.hole)
        self.counts.missing -= seen.filled
        self.counts.filled += seen.filled
        self.counts.leaps += seen.leapt
        if seen.verdict is Verdict.DUPLICATE:
            self.counts.duplicates += 1
        elif seen.verdict is Verdict.BEFORE_START:
            self.counts.before_start += 1
        return seen.verdict is Verdict.NEW

    def _change(self, received: Received, clock: _Clock, change: TopChange) -> None:
        received.link.liveness.data(received.at_s)
        quote, missing = self._top.change(change)
        if missing:
            self.counts.missing += missing
            last = change.update_id
            self._gap(received, change.instrument.symbol, "updates", (last - missing, last - 1))
        if quote is None:
            self.counts.stale += 1
        else:
            self._quote(received, clock, quote)

    def _quote(self, received: Received, clock: _Clock, quote: Quote) -> None:
        received.link.liveness.data(received.at_s)
        verdict = self._order.quote(quote)
        if verdict is Verdict.DUPLICATE:
            self.counts.duplicates += 1
        elif verdict is Verdict.STALE:
            self.counts.stale += 1
        elif quote.event_ns is not None:
            self._show(clock, quote.event_ns, received)
            self._send_quote(received, quote, quote.event_ns, "exchange")
        elif self._borrow_s <= 0.0:
            self._send_quote(received, quote, received.at_ns, "receive")
        elif clock.event_ns is None:
            clock.held.append((received, quote))
            if len(clock.held) > MAX_HELD:
                self._release(clock)
        else:
            self._send_quote(received, quote, self._borrowed(clock, received), "connection")

    def _borrowed(self, clock: _Clock, received: Received) -> int:
        since_s = received.at_s - clock.seen_s
        return (clock.event_ns or 0) + (round(since_s * 1e9) if since_s > self._borrow_s else 0)

    def _show(self, clock: _Clock, event_ns: int, received: Received) -> None:
        """The connection has shown an exchange time."""
        clock.event_ns, clock.seen_s = event_ns, received.at_s
        if clock.held:
            self._release(clock)

    def _release(self, clock: _Clock) -> None:
        held, clock.held = clock.held, []
        for received, quote in held:
            if clock.event_ns is None:
                self._send_quote(received, quote, received.at_ns, "receive")
            else:
                self._send_quote(received, quote, clock.event_ns, "connection")

    def _send_quote(self, received: Received, quote: Quote, event_ns: int, source: str) -> None:
        record = quote_record(
            quote, event_ns=event_ns, source=source, receive_ns=received.at_ns, connection=received.link.number
        )
        if self._sent(self.topics.quotes, quote.instrument, record):
            self.counts.quotes += 1

    def _sent(self, topic: str, instrument: Instrument, record: dict[str, object]) -> bool:
        taken = self._sink.send(Outgoing(topic, instrument_key(instrument), orjson.dumps(record)))
        self.counts.unsent += not taken
        return taken

    def _notice(self, received: Received, notice: Notice) -> None:
        # the name of an unknown channel is the other side's text: no more of them than can be read
        name = f"{notice.kind} {notice.channel[:40]}"
        if name not in self.counts.notices and len(self.counts.notices) >= 200:
            name = f"{notice.kind} (others)"
        self.counts.notices[name] += 1
        if notice.kind in ("refused", "closing"):
            self._on_event(Event(notice.kind, received.link.number, f"{notice.channel} {notice.detail}".strip()))

    def _reject(self, received: Received, reject: Reject) -> None:
        self.counts.rejects[reject.reason] += 1
        link = received.link.number
        record = reject_record(
            self._venue.name, reject, received.frame, partition=link, offset=received.position, at_ns=received.at_ns
        )
        self._sink.send(Outgoing(self.topics.rejects, self._venue.name.encode(), orjson.dumps(record)))

    def _gap(self, received: Received, symbol: str | None, what: str, hole: tuple[int, int]) -> None:
        missing = hole[1] - hole[0] + 1
        detail = f"{what} {hole[0]} to {hole[1]} did not come"
        self._on_event(Event("gap", received.link.number, detail, symbol, missing))
