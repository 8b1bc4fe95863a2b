"""Indicators against TA-Lib over whole series: generated bars, odd periods, bars of recorded trades; and the edges."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import talib
from numpy.typing import NDArray

from feeds.exchanges import VENUES
from feeds.exchanges.market import Trade
from feeds.exchanges.recording import read_recording
from jobs.settings import load_settings
from models.errors import InputError, ParameterError, SnapshotError
from models.indicators import NAMES, IndicatorsPool, Periods
from models.indicators.kernels import BARS
from models.packed_pool import PackedPool

RECORDING = load_settings().data / "market" / "binance_3venues_btc_eth_180s.jsonl.gz"
Series = NDArray[np.float64]


def ours(prices: Series, volumes: Series, periods: Periods | None = None) -> dict[str, Series]:
    pool = IndicatorsPool(periods)
    slots = np.full(prices.size, pool.open(), np.int32)
    return pool.process(slots, np.arange(prices.size), np.column_stack([prices, volumes]))


def theirs(prices: Series, volumes: Series, periods: Periods | None = None) -> dict[str, Series]:
    """TA-Lib over the whole series at once."""
    p = periods or Periods()
    macd, signal, histogram = talib.MACD(prices, p.macd_fast, p.macd_slow, p.macd_signal)
    wide = p.bollinger_deviations
    upper, _, lower = talib.BBANDS(prices, p.bollinger, wide, wide)
    mean = talib.SMA(volumes, p.volume) if p.volume > 1 else volumes
    return {
        "rsi": talib.RSI(prices, p.rsi),
        "macd": macd,
        "macd_signal": signal,
        "macd_histogram": histogram,
        "bollinger_position": np.divide(
            prices - lower, upper - lower, where=upper > lower, out=np.full(prices.size, np.nan)
        ),
        "volume_ratio": volumes / mean,
        "momentum": talib.MOM(prices, p.momentum),
    }


def walk(bars: int, seed: int, start: float = 100.0, back: float = 0.002) -> tuple[Series, Series]:
    """A price that moves by about one in a hundred a bar and is drawn `back` to where it began, and volumes."""
    random = np.random.default_rng(seed)
    away = scipy.signal.lfilter([1.0], [1.0, back - 1.0], random.normal(0.0, 0.01, bars))
    return start * np.exp(away), random.gamma(1.5, 10.0, bars)


def assert_equal(prices: Series, volumes: Series, periods: Periods | None = None, least: float = 1e-9) -> None:
    """The same bars without a value, and values that differ by no more than that, beside the size of prices."""
    mine, reference = ours(prices, volumes, periods), theirs(prices, volumes, periods)
    assert tuple(mine) == NAMES
    first = (periods or Periods()).first_bars()
    for name in NAMES:
        assert np.flatnonzero(~np.isnan(reference[name]))[0] == first[name], name
        assert np.array_equal(np.isnan(mine[name]), np.isnan(reference[name])), name
        np.testing.assert_allclose(mine[name], reference[name], rtol=1e-9, atol=least, err_msg=name)


def test_first_bars_are_those_of_the_design() -> None:
    first = Periods().first_bars()
    assert (first["rsi"], first["macd"], first["bollinger_position"]) == (14, 33, 19)


def test_a_hundred_thousand_bars() -> None:
    assert_equal(*walk(100_000, 1))


@pytest.mark.parametrize(
    "periods",
    [
        Periods(2, 2, 3, 1, 5, 1.0, 1, 1),
        Periods(7, 5, 35, 5, 10, 1.5, 3, 30),
        Periods(50, 20, 21, 40, 200, 3.0, 90, 2),
        Periods(1000, 999, 1000, 1000, 1000, 2.0, 1000, 1000),
    ],
)
def test_other_periods(periods: Periods) -> None:
    assert_equal(*walk(5000, 2), periods)


@pytest.mark.parametrize("start", [1e-6, 61_700.0, 1e8])
def test_cheap_and_dear(start: float) -> None:
    assert_equal(*walk(5000, 3, start))


def test_where_talib_s_running_sums_lose_digits_ours_do_not() -> None:
    """A price that falls from far above: TA-Lib's band keeps the rounding errors of large numbers, by some 1e-9."""
    prices, volumes = walk(100_000, 1, back=0.0)
    mine, reference = ours(prices, volumes)["bollinger_position"], theirs(prices, volumes)["bollinger_position"]
    some = np.arange(19, 100_000, 97)
    exact = np.array([exactly(prices, bar) for bar in some])
    assert np.abs(mine[some] - exact).max() < 1e-12
    assert np.nanmax(np.abs(mine - reference)) < 1e-7


@pytest.mark.real_data
@pytest.mark.skipif(not RECORDING.is_file(), reason=f"no recording {RECORDING}: set CUTBANK_DATA")
@pytest.mark.parametrize(("venue", "symbol"), [("binance-spot", "BTCUSDT"), ("binance-usdm", "ETHUSDT")])
def test_bars_of_recorded_trades(venue: str, symbol: str) -> None:
    """Bars of a tenth of a second, so that there are enough of them; those without a trade keep the last price."""
    trades = [
        record
        for recorded, frame in read_recording(RECORDING)
        if recorded == venue
        for record in VENUES[venue].parse(frame.data)
        if isinstance(record, Trade) and record.instrument.symbol == symbol
    ]
    places = np.array([trade.event_ns for trade in trades]) // 100_000_000
    bars = places - places.min()
    volumes = np.bincount(bars, [trade.size for trade in trades])
    prices = np.full(volumes.size, np.nan)
    prices[bars] = [trade.price for trade in trades]  # the last of each bar stays
    last = np.maximum.accumulate(np.where(np.isnan(prices), 0, np.arange(prices.size)))
    prices = prices[last]
    assert prices.size > 1700 and (volumes == 0).any()
    mine, reference = ours(prices, volumes), theirs(prices, volumes)
    for name in NAMES:
        known = ~np.isnan(reference[name]) & ~np.isinf(reference[name])
        moved = talib.MAX(prices, 20) > talib.MIN(prices, 20)
        if name == "bollinger_position":
            # TA-Lib's running sums lose digits where the price hardly moves: its band is then off by as much
            wide = talib.STDDEV(prices, 20) > 1e-3
            known &= moved & wide
            np.testing.assert_allclose(mine[name][known], reference[name][known], rtol=0, atol=1e-5)
            exact = [exactly(prices, bar) for bar in np.flatnonzero(known)]
            np.testing.assert_allclose(mine[name][known], exact, rtol=0, atol=1e-9)
            continue
        if name == "volume_ratio":
            known &= talib.SUM(volumes, 20) > 1e-9
        np.testing.assert_allclose(mine[name][known], reference[name][known], rtol=1e-9, atol=1e-9, err_msg=name)


def exactly(prices: Series, bar: int) -> float:
    """The position in the band of 20 bars, by numpy's own mean and deviation."""
    band = prices[bar - 19 : bar + 1] - prices[bar]
    half = 2.0 * band.std()
    return float((half - band.mean()) / (2.0 * half))


def test_prices_that_never_move() -> None:
    found = ours(np.full(100, 61_700.1), np.ones(100))
    first = Periods().first_bars()
    for name, value in (("rsi", 50.0), ("bollinger_position", 0.5), ("macd_histogram", 0.0), ("momentum", 0.0)):
        np.testing.assert_allclose(found[name][first[name] :], value, atol=1e-9)


def test_prices_that_only_rise_or_only_fall() -> None:
    assert set(ours(np.arange(1.0, 60.0), np.ones(59))["rsi"][14:]) == {100.0}
    assert set(ours(np.arange(60.0, 1.0, -1.0), np.ones(59))["rsi"][14:]) == {0.0}


def test_bars_without_volume() -> None:
    prices, _ = walk(60, 4)
    assert set(ours(prices, np.zeros(60))["volume_ratio"][19:]) == {1.0}
    volumes = np.zeros(60)
    volumes[30] = 5.0
    found = ours(prices, volumes)["volume_ratio"]
    assert found[30] == 20.0  # all of the volume of twenty bars
    assert set(found[31:50]) == {0.0} and set(found[50:]) == {1.0}


def test_not_the_simple_mean_of_the_last_fourteen_bars() -> None:
    """The RSI of most demonstrations, which flips the signs of 70 and 30 on one bar in ten."""
    prices, volumes = walk(2000, 5)
    changes = np.diff(prices)
    gains, losses = np.clip(changes, 0, None), np.clip(-changes, 0, None)
    simple = np.array(
        [100 * g / (g + s) for g, s in ((gains[k : k + 14].sum(), losses[k : k + 14].sum()) for k in range(1986))]
    )
    assert np.abs(ours(prices, volumes)["rsi"][14:] - simple).mean() > 3.0


def test_once_a_closed_bar_no_later_bar_changes_an_earlier_value() -> None:
    prices, volumes = walk(300, 6)
    whole = ours(prices, volumes)
    for cut in (20, 150, 299):
        part = ours(prices[:cut], volumes[:cut])
        for name in NAMES:
            assert np.array_equal(part[name], whole[name][:cut], equal_nan=True)


def test_memory_of_a_key() -> None:
    pool = IndicatorsPool()
    assert pool.slot_bytes == 8 * (7 + 20 + 20) == 376
    assert IndicatorsPool(Periods(momentum=50)).slot_bytes == 8 * (7 + 51 + 20)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rsi": 1}, "rsi must be in 2..1000, got 1"),
        ({"rsi": 14.5}, "rsi must be an integer"),
        ({"macd": [26, 12, 9]}, r"macd_fast must be less than macd_slow \(12\), got 26"),
        ({"macd": 12}, "must be a list of 3"),
        ({"rsi": [14, 2]}, "must be one number"),
        ({"bollinger": [20, 0]}, "bollinger_deviations"),
        ({"stochastic": 5}, "there is no period 'stochastic'"),
        ({"momentum": True}, "momentum"),
    ],
)
def test_periods_that_cannot_be(given: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Periods.of(given)


def test_values_that_cannot_be() -> None:
    pool = IndicatorsPool()
    slots = np.full(2, pool.open(), np.int32)
    before = pool.dump(0)
    for wrong in ([[1.0, 1.0], [np.nan, 1.0]], [[np.inf, 1.0], [1.0, 1.0]], [[1.0], [1.0]]):
        with pytest.raises(InputError):
            pool.process(slots, np.arange(2), np.array(wrong))
    assert pool.dump(0) == before


def test_a_count_of_bars_that_is_none_is_refused() -> None:
    pool = IndicatorsPool()
    slot = pool.open()
    for wrong in (-1.0, 0.5, 1e300):
        pool._state[slot, BARS] = wrong
        with pytest.raises(SnapshotError, match="counts"):
            PackedPool.load(pool, pool.dump(slot))


def test_other_periods_do_not_load() -> None:
    pool = IndicatorsPool()
    with pytest.raises(SnapshotError, match="rsi 14, these have 15"):
        IndicatorsPool(Periods(rsi=15)).load(pool.dump(pool.open()))
