"""New, old or missing: numbers against a set that remembers everything, quotes by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.exchanges.market import Instrument, Quote, TopChange, Trade
from feeds.exchanges.order import CONFIRM_UNDATED, MAX_HOLES, MAX_LEAP, MAX_RECENT, Numbers, Order, Verdict
from feeds.exchanges.top import Top

SPOT = Instrument("binance-spot", "BTCUSDT", "BTC", "USDT")


@given(st.lists(st.integers(0, 60), max_size=120))
@settings(max_examples=300, deadline=None)
def test_numbers_against_a_set(numbers: list[int]) -> None:
    """Whatever the order: new once, duplicate afterwards; missing is what lies between and never came."""
    stream, seen = Numbers(), set[int]()
    missing = 0
    for number in numbers:
        found = stream.see(number, number)
        assert (found.verdict is Verdict.NEW) == (number not in seen)
        seen.add(number)
        if found.hole is not None:
            missing += found.hole[1] - found.hole[0] + 1
        missing -= found.filled
        assert missing == max(seen) - min(seen) + 1 - len(seen)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_records_of_several_numbers(parts: list[tuple[int, int]]) -> None:
    """Three numbers a place, of which a record has the last one to three, as with executions added up."""
    stream, seen = Numbers(), set[int]()
    for place, length in parts:
        high = place * 3 + 2
        found = stream.see(high - length + 1, high)
        assert (found.verdict is Verdict.NEW) == (high not in seen)
        seen.update(range(high - length + 1, high + 1))


def test_one_absurd_number_changes_nothing_and_two_begin_anew() -> None:
    stream = Numbers()
    assert stream.see(100, 100).verdict is Verdict.NEW
    damaged = stream.see(100 + 10 * MAX_LEAP, 100 + 10 * MAX_LEAP)
    assert (damaged.verdict, damaged.hole, damaged.leapt) == (Verdict.NEW, None, True)
    assert stream.see(101, 101) == stream.see(102, 102)
    assert stream.see(101, 101).verdict is Verdict.DUPLICATE
    far = 100 + 10 * MAX_LEAP
    assert stream.see(far, far).leapt
    again = stream.see(far + 1, far + 1)
    assert (again.verdict, again.hole, again.leapt) == (Verdict.NEW, None, False)
    assert stream.see(far + 2, far + 2).verdict is Verdict.NEW
    assert stream.see(far + 1, far + 1).verdict is Verdict.DUPLICATE


def test_holes_are_bounded() -> None:
    stream = Numbers()
    for number in range(0, 4 * MAX_HOLES, 2):
        stream.see(number, number)
    assert len(stream._holes) == MAX_HOLES
    assert stream.see(1, 1).verdict is Verdict.DUPLICATE  # forgotten: counted as missing for good
    assert stream.see(4 * MAX_HOLES - 3, 4 * MAX_HOLES - 3).filled == 1


def trade(number: int, *, snapshot: bool = False, channel: str = "trade") -> Trade:
    return Trade(SPOT, number, 1.0, 1.0, "buy", str(number), channel, 1, number, snapshot)


def quote(number: int | None, event_ns: int | None = None, bid: float = 1.0, *, snapshot: bool = False) -> Quote:
    return Quote(SPOT, event_ns, bid, 1.0, 2.0, 1.0, number, snapshot)


def test_defect_22_a_snapshot_after_reconnecting_is_no_new_trade() -> None:
    order = Order()
    assert order.trade(trade(50, snapshot=True)).verdict is Verdict.BEFORE_START
    assert [order.trade(trade(number)).verdict for number in (51, 52, 53)] == [Verdict.NEW] * 3
    # after an outage: 52 and 53 are known, 54 and 55 were missed, 56 is live
    verdicts = [order.trade(trade(number, snapshot=True)).verdict for number in (52, 53, 54, 55)]
    assert verdicts == [Verdict.DUPLICATE, Verdict.DUPLICATE, Verdict.NEW, Verdict.NEW]
    assert order.trade(trade(56)).hole is None


def test_channels_number_their_trades_apart() -> None:
    order = Order()
    assert order.trade(trade(7)).verdict is Verdict.NEW
    assert order.trade(trade(7, channel="aggTrade")).verdict is Verdict.NEW


def test_ids_without_order_are_remembered_for_a_while() -> None:
    order = Order()
    first = trade(0)._replace(first_id=None, trade_id="a")
    assert order.trade(first).verdict is Verdict.NEW
    assert order.trade(first).verdict is Verdict.DUPLICATE
    for number in range(MAX_RECENT):
        order.trade(first._replace(trade_id=f"b{number}"))
    assert order.trade(first).verdict is Verdict.NEW


def test_quotes_by_their_numbers() -> None:
    order = Order()
    found = [order.quote(quote(number)) for number in (5, 9, 9, 7, 10)]
    assert found == [Verdict.NEW, Verdict.NEW, Verdict.DUPLICATE, Verdict.STALE, Verdict.NEW]


def test_the_same_number_with_a_later_time_renews_a_quote() -> None:
    order = Order()
    found = [order.quote(quote(5, at)) for at in (1000, 1000, 4000, 1000)]
    assert found == [Verdict.NEW, Verdict.DUPLICATE, Verdict.NEW, Verdict.DUPLICATE]


def test_quotes_without_numbers_go_by_time_and_value() -> None:
    order = Order()
    found = [order.quote(quote(None, at, bid)) for at, bid in ((5, 1.0), (5, 1.0), (5, 1.5), (4, 1.0), (6, 1.5))]
    assert found == [Verdict.NEW, Verdict.DUPLICATE, Verdict.NEW, Verdict.STALE, Verdict.NEW]


def test_a_damaged_number_does_not_silence_a_quote_for_ever() -> None:
    dated, undated = Order(), Order()
    assert dated.quote(quote(10**17, 1)) is Verdict.NEW
    assert [dated.quote(quote(number, number)) for number in (5, 6, 7, 8)][-2:] == [Verdict.NEW, Verdict.NEW]
    assert undated.quote(quote(10**17)) is Verdict.NEW
    found = [undated.quote(quote(number)) for number in range(CONFIRM_UNDATED + 1)]
    assert found.count(Verdict.STALE) == CONFIRM_UNDATED - 1 and found[-1] is Verdict.NEW
    # a replayed snapshot of old quotes never gets so far: its times are old
    assert dated.quote(quote(100, 10**9)) is Verdict.NEW
    assert {dated.quote(quote(number, number)) for number in range(10, 90)} == {Verdict.STALE}


def test_the_best_quote_out_of_changes_of_its_sides() -> None:
    top = Top()

    def change(number: int, bid: tuple[float, float] | None, ask: tuple[float, float] | None) -> tuple[object, int]:
        found, missing = top.change(TopChange(SPOT, number, bid, ask, number, False))
        return found and (found.bid, found.bid_size, found.ask, found.ask_size), missing

    assert change(4, (9.0, 1.0), None) == (None, 0)  # the other side is not known yet
    top.rest(quote(5, 5))
    assert change(6, (1.5, 3.0), None) == ((1.5, 3.0, 2.0, 1.0), 0)
    assert change(6, (1.6, 3.0), None) == (None, 0)  # old
    assert change(7, None, (2.0, 0.0)) == (None, 0)  # the level is gone, the next is not known
    assert change(8, None, (2.5, 2.0)) == ((1.5, 3.0, 2.5, 2.0), 0)
    assert change(11, (1.7, 1.0), None) == (None, 2)  # 9 and 10 are missing: the ask may be old
    assert change(12, None, (2.4, 2.0)) == ((1.7, 1.0, 2.4, 2.0), 0)
