-- What do the markets do, and does one venue pay more than another asks?
--
-- In:   market-trades     one record a trade: venue, symbol, currencies, times, price, size, side
--       market-quotes     one record a best quote: the same, bid, ask and their sizes
-- Out:  market-windows    the last minute of each venue and symbol, every few seconds; lags are of its last slice
--       market-arbitrage  where one venue's bid is above another's ask after fees: begin, change and end
--
-- cutbank run sql/market.sql
--
-- `window` is a multiple of `slide`, both in seconds. Topics have several partitions, each with its own
-- time: those that stay empty hold nothing back once `idle` seconds have passed.

SET 'table.exec.source.idle-timeout' = '${idle:-30} s';
-- operators find their state again at every parallelism: the one writer of the windows is chained to one task, not to two
SET 'table.exec.uid.generation' = 'ALWAYS';

CREATE TABLE market_trades (
    venue             STRING NOT NULL,
    symbol            STRING NOT NULL,
    base              STRING,
    quote             STRING,
    instrument        STRING,
    event_time        TIMESTAMP_LTZ(3) NOT NULL,
    event_time_source STRING,
    receive_time      TIMESTAMP_LTZ(3) NOT NULL,
    price             DOUBLE NOT NULL,
    size              DOUBLE NOT NULL,
    side              STRING,
    trade_id          STRING,
    WATERMARK FOR event_time AS event_time - INTERVAL '${delay:-2}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-trades',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE market_quotes (
    venue             STRING NOT NULL,
    symbol            STRING NOT NULL,
    base              STRING,
    quote             STRING,
    instrument        STRING,
    event_time        TIMESTAMP_LTZ(3) NOT NULL,
    event_time_source STRING,
    receive_time      TIMESTAMP_LTZ(3) NOT NULL,
    bid               DOUBLE NOT NULL,
    bid_size          DOUBLE NOT NULL,
    ask               DOUBLE NOT NULL,
    ask_size          DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '${delay:-2}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-quotes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- ------------------------------------------------------------------------------------------------ trades, in order
CREATE VIEW timed_trades AS
SELECT *, EXTRACT(EPOCH FROM event_time) * 1000 + EXTRACT(MILLISECOND FROM event_time) AS at_ms,
       CASE side WHEN 'buy' THEN size WHEN 'sell' THEN -size ELSE 0.0 END AS net_size,
       CASE event_time_source WHEN 'exchange' THEN
           1000 * (EXTRACT(EPOCH FROM receive_time) - EXTRACT(EPOCH FROM event_time))
           + EXTRACT(MILLISECOND FROM receive_time) - EXTRACT(MILLISECOND FROM event_time) END AS lag_ms
FROM market_trades;

-- Squares are taken of distances from a price that never changes, the symbol's first: of the prices themselves they
-- would leave nothing but rounding of a standard deviation of some cents.
CREATE VIEW based_trades AS
SELECT *, FIRST_VALUE(price) OVER (PARTITION BY venue, symbol ORDER BY event_time
                                   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS base_price
FROM timed_trades;

-- Each trade with the one before it, by event time. (LAG takes trades of one millisecond for one row.)
CREATE VIEW ordered_trades AS
SELECT *, price - base_price AS above_base, at_ms - MOD(at_ms, 1000 * ${slide:-5}) AS slice_ms,
       FIRST_VALUE(price) OVER one_back AS before_price,
       FIRST_VALUE(at_ms) OVER one_back AS before_ms,
       COUNT(*) OVER one_back AS of_two
FROM based_trades
WINDOW one_back AS (PARTITION BY venue, symbol ORDER BY event_time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

-- How long the price before a trade held, and the step from it, within a slice.
CREATE VIEW stepped_trades AS
SELECT *,
       CASE WHEN of_two = 2 AND before_ms >= slice_ms THEN price - before_price END AS step,
       CASE WHEN before_ms >= slice_ms THEN at_ms - before_ms ELSE 0 END AS held_ms
FROM ordered_trades;

-- ------------------------------------------------------------------------------------------------ slices of both
-- A window is put together of slices, so a record is counted once and not in every window it belongs to.
CREATE VIEW trade_slices AS
SELECT venue, symbol, base, quote, instrument, window_time AS slice_time,
       COUNT(*) AS trades, COUNT(trade_id) - COUNT(DISTINCT trade_id) AS duplicates,
       COUNT(*) FILTER (WHERE price <= 0 OR price > 1e9 OR size < 0) AS invalid, SUM(size) AS volume, SUM(price * size) AS turnover, SUM(net_size) AS net_volume,
       MIN(price) AS low_price, MAX(price) AS high_price,
       FIRST_VALUE(price) AS open_price, LAST_VALUE(price) AS close_price,
       MIN(at_ms) AS open_ms, MAX(at_ms) AS close_ms,
       FIRST_VALUE(base_price) AS base_price, SUM(above_base) AS above, SUM(above_base * above_base) AS above_squared,
       FIRST_VALUE(before_price) AS before_price, FIRST_VALUE(before_ms) AS before_ms, MIN(of_two) AS of_two,
       COUNT(step) AS steps, COALESCE(SUM(step), 0.0) AS stepped, COALESCE(SUM(step * step), 0.0) AS stepped_squared,
       SUM(held_ms) AS held_ms, SUM(held_ms * (before_price - base_price)) AS held,
       SUM(held_ms * (before_price - base_price) * (before_price - base_price)) AS held_squared,
       COUNT(lag_ms) AS lags, MIN(lag_ms) AS lag_low, MAX(lag_ms) AS lag_high, SUM(lag_ms) AS lag_sum
FROM TABLE(TUMBLE(TABLE stepped_trades, DESCRIPTOR(event_time), INTERVAL '${slide:-5}' SECOND))
GROUP BY venue, symbol, base, quote, instrument, window_start, window_end, window_time;

-- The last quote of a slice is the greatest text that begins with its time: the last to arrive need not be the last.
-- Spreads are summed in whole numbers, 1e-12 of the price: sums of fractions depend on the order of arrival.
CREATE VIEW timed_quotes AS
SELECT *, EXTRACT(EPOCH FROM event_time) * 1000 + EXTRACT(MILLISECOND FROM event_time) AS at_ms,
       (bid + ask) / 2 AS mid,
       CASE event_time_source WHEN 'exchange' THEN
           1000 * (EXTRACT(EPOCH FROM receive_time) - EXTRACT(EPOCH FROM event_time))
           + EXTRACT(MILLISECOND FROM receive_time) - EXTRACT(MILLISECOND FROM event_time) END AS lag_ms
FROM market_quotes;

CREATE VIEW quote_slices AS
SELECT venue, symbol, base, quote, instrument, window_time AS slice_time,
       COUNT(*) AS quotes, COUNT(*) FILTER (WHERE bid > ask) AS crossed,
       COUNT(*) FILTER (WHERE bid <= 0 OR ask <= 0 OR ask > 1e9 OR bid_size < 0 OR ask_size < 0) AS invalid,
       SUM(CAST(ROUND((ask - bid) / NULLIF(mid, 0.0) * 1e12) AS BIGINT)) AS spreads,
       MAX(at_ms) AS quote_ms,
       MAX(LPAD(CAST(at_ms AS STRING), 15, '0') || '|' || CAST(bid AS STRING) || '|' || CAST(bid_size AS STRING)
           || '|' || CAST(ask AS STRING) || '|' || CAST(ask_size AS STRING)) AS last_quote,
       COUNT(lag_ms) AS lags, MIN(lag_ms) AS lag_low, MAX(lag_ms) AS lag_high, SUM(lag_ms) AS lag_sum
FROM TABLE(TUMBLE(TABLE timed_quotes, DESCRIPTOR(event_time), INTERVAL '${slide:-5}' SECOND))
GROUP BY venue, symbol, base, quote, instrument, window_start, window_end, window_time;

CREATE VIEW slices AS
SELECT venue, symbol, base, quote, instrument, slice_time,
       trades, duplicates, invalid, volume, turnover, net_volume, low_price, high_price, open_price, close_price,
       open_ms, close_ms, base_price, above, above_squared, before_price, before_ms, of_two, steps, stepped, stepped_squared,
       held_ms, held, held_squared, lags, lag_low, lag_high, lag_sum,
       CAST(0 AS BIGINT) AS quotes, CAST(0 AS BIGINT) AS crossed, CAST(NULL AS BIGINT) AS spreads,
       CAST(NULL AS BIGINT) AS quote_ms, CAST(NULL AS STRING) AS last_quote
FROM trade_slices
UNION ALL
SELECT venue, symbol, base, quote, instrument, slice_time,
       CAST(0 AS BIGINT), CAST(0 AS BIGINT), invalid,
       CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE),
       CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT),
       CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS BIGINT),
       CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE),
       CAST(NULL AS BIGINT), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), lags, lag_low, lag_high, lag_sum,
       quotes, crossed, spreads, quote_ms, last_quote
FROM quote_slices;

-- ------------------------------------------------------------------------------------------------ windows and bars
CREATE VIEW placed_slices AS
SELECT *, 1000 * EXTRACT(EPOCH FROM window_start) AS start_ms, 1000 * EXTRACT(EPOCH FROM window_end) AS end_ms
FROM TABLE(HOP(TABLE slices, DESCRIPTOR(slice_time), INTERVAL '${slide:-5}' SECOND, INTERVAL '${window:-60}' SECOND));

-- What leads from the slice before to this one: the step to its first trade, where the trade before lies in the window
-- too, and the time for which the price before held.
CREATE VIEW joined_slices AS
SELECT *, CASE WHEN of_two = 2 AND before_ms >= start_ms THEN open_price - before_price END AS step,
       CAST(open_ms - GREATEST(before_ms, start_ms) AS DOUBLE) AS gap_ms, before_price - base_price AS before_above,
       1000 * EXTRACT(EPOCH FROM window_end) - 1000 * EXTRACT(EPOCH FROM CAST(slice_time AS TIMESTAMP(3)))
           <= 1000 * ${slide:-5} AS is_newest
FROM placed_slices;

CREATE VIEW summed AS
SELECT venue, symbol, base, quote, instrument, window_start, window_end, window_time AS bar_time, end_ms,
       SUM(trades) AS trades, SUM(duplicates) AS duplicates, SUM(invalid) AS invalid, COALESCE(SUM(volume), 0.0) AS volume, SUM(turnover) AS turnover,
       COALESCE(SUM(net_volume), 0.0) AS net_volume, MIN(low_price) AS low_price, MAX(high_price) AS high_price,
       FIRST_VALUE(open_price) AS open_price, LAST_VALUE(close_price) AS close_price,
       MIN(open_ms) AS open_ms, MAX(close_ms) AS close_ms,
       FIRST_VALUE(base_price) AS base_price, SUM(above) AS above, SUM(above_squared) AS above_squared,
       SUM(steps) + COUNT(step) AS steps, SUM(stepped) + COALESCE(SUM(step), 0.0) AS stepped,
       SUM(stepped_squared) + COALESCE(SUM(step * step), 0.0) AS stepped_squared,
       SUM(held_ms + gap_ms) AS held_ms, SUM(held + gap_ms * before_above) AS held,
       SUM(held_squared + gap_ms * before_above * before_above) AS held_squared,
       SUM(quotes) AS quotes, SUM(crossed) AS crossed, SUM(spreads) AS spreads, MAX(quote_ms) AS quote_ms,
       MAX(last_quote) AS last_quote, SUM(lags) FILTER (WHERE is_newest) AS lags,
       MIN(lag_low) FILTER (WHERE is_newest) AS lag_low, SUM(lag_sum) FILTER (WHERE is_newest) AS lag_sum
FROM joined_slices
GROUP BY venue, symbol, base, quote, instrument, window_start, window_end, window_time, end_ms;

-- The last price holds to the end of the window.
CREATE VIEW closed_windows AS
SELECT *, held_ms + (end_ms - close_ms) AS whole_ms,
       held + (end_ms - close_ms) * (close_price - base_price) AS whole,
       held_squared + (end_ms - close_ms) * (close_price - base_price) * (close_price - base_price) AS whole_squared,
       CAST(SPLIT_INDEX(last_quote, '|', 1) AS DOUBLE) AS bid,
       CAST(SPLIT_INDEX(last_quote, '|', 2) AS DOUBLE) AS bid_size,
       CAST(SPLIT_INDEX(last_quote, '|', 3) AS DOUBLE) AS ask,
       CAST(SPLIT_INDEX(last_quote, '|', 4) AS DOUBLE) AS ask_size
FROM summed;

CREATE VIEW sliding_windows AS
SELECT venue, symbol, base, quote, instrument, window_start, window_end, bar_time, end_ms,
       trades, quotes, volume, net_volume, low_price, high_price, open_price, close_price,
       base_price + above / trades AS mean_price,
       turnover / NULLIF(volume, 0.0) AS vwap,
       SQRT(GREATEST(0.0, above_squared / trades - (above / trades) * (above / trades))) AS std_by_trade,
       SQRT(GREATEST(0.0, whole_squared / NULLIF(whole_ms, 0) - (whole / NULLIF(whole_ms, 0)) * (whole / NULLIF(whole_ms, 0))))
           AS std_by_time,
       (close_price - open_price) / trades AS velocity_by_trade,
       (close_price - open_price) / (NULLIF(close_ms - open_ms, 0) / 1000.0) AS velocity_by_second,
       SQRT(GREATEST(0.0, stepped_squared / NULLIF(steps, 0) - (stepped / NULLIF(steps, 0)) * (stepped / NULLIF(steps, 0))))
           AS volatility,
       bid, bid_size, ask, ask_size, (bid + ask) / 2 AS mid, spreads / 1e12 / NULLIF(quotes, 0) AS mean_spread,
       crossed, duplicates, invalid, end_ms - quote_ms AS quote_age_ms, lags, lag_low, lag_sum
FROM closed_windows;

-- ------------------------------------------------------------------------------------------------ arbitrage
-- Only like is compared with like: the same two currencies and the same kind of instrument. The numbers of the venues
-- are the places of their fees.
CREATE VIEW numbered_quotes AS
SELECT base, quote, instrument, event_time, bid, bid_size, ask, ask_size,
       CASE venue WHEN 'binance-spot' THEN 0 WHEN 'binance' THEN 0 WHEN 'huobi' THEN 1 WHEN 'kraken' THEN 2
                  WHEN 'coinbase' THEN 3 WHEN 'okx' THEN 4 WHEN 'bybit-spot' THEN 5 WHEN 'binance-usdm' THEN 6
                  WHEN 'bybit-linear' THEN 7 END AS venue_number
FROM market_quotes
WHERE base IS NOT NULL AND quote IS NOT NULL AND instrument IS NOT NULL;

CREATE VIEW compared AS
SELECT * FROM ARBITRAGE(
    input     => TABLE numbered_quotes PARTITION BY (base, quote, instrument),
    on_time   => DESCRIPTOR(event_time),
    venue     => DESCRIPTOR(venue_number),
    bid       => DESCRIPTOR(bid),
    bid_size  => DESCRIPTOR(bid_size),
    ask       => DESCRIPTOR(ask),
    ask_size  => DESCRIPTOR(ask_size),
    fees      => '${fees:-[0.001, 0.002, 0.0026, 0.006, 0.001, 0.001, 0.0005, 0.00055]}',
    threshold => ${threshold:-0.0},
    max_age   => INTERVAL '${max_age:-2}' SECOND,
    max_skew  => INTERVAL '${max_skew:-1}' SECOND,
    batch     => INTERVAL '${batch:-1}' SECOND);

-- ------------------------------------------------------------------------------------------------ what goes out
-- Times leave as text: Flink's JSON would drop the zeros at the end of a second's fraction.
-- In the order of time, whatever the parallelism: sorted in one place and written by one task.
CREATE TABLE windows (
    venue              STRING,
    symbol             STRING,
    base               STRING,
    quote              STRING,
    instrument         STRING,
    window_start       STRING,
    window_end         STRING,
    trades             BIGINT,
    quotes             BIGINT,
    volume             DOUBLE,
    net_volume         DOUBLE,
    low_price          DOUBLE,
    high_price         DOUBLE,
    open_price         DOUBLE,
    close_price        DOUBLE,
    mean_price         DOUBLE,
    vwap               DOUBLE,
    std_by_trade       DOUBLE,
    std_by_time        DOUBLE,
    velocity_by_trade  DOUBLE,
    velocity_by_second DOUBLE,
    volatility         DOUBLE,
    bid                DOUBLE,
    bid_size           DOUBLE,
    ask                DOUBLE,
    ask_size           DOUBLE,
    mean_spread        DOUBLE,
    quote_age_ms       BIGINT,
    crossed            BIGINT,
    duplicates         BIGINT,
    invalid            BIGINT,
    lags               BIGINT,
    lag_low            BIGINT,
    lag_sum            BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-windows',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'venue',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'market-windows',
    'sink.parallelism' = '1',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE arbitrage (
    preset          STRING,
    base            STRING,
    quote           STRING,
    instrument      STRING,
    event_time      STRING,
    arbitrage_event STRING,
    buy_venue       STRING,
    sell_venue      STRING,
    edge            DOUBLE,
    size            DOUBLE,
    episode         BIGINT,
    episode_ms      BIGINT,
    best_edge       DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-arbitrage',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'base',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'market-arbitrage',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO windows
SELECT venue, symbol, base, quote, instrument, DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), trades, quotes, volume, net_volume, low_price,
       high_price, open_price, close_price, mean_price, vwap, std_by_trade, std_by_time, velocity_by_trade,
       velocity_by_second, volatility, bid, bid_size, ask, ask_size, mean_spread, quote_age_ms, crossed, duplicates, invalid, lags, lag_low, lag_sum
FROM sliding_windows
ORDER BY bar_time;

INSERT INTO arbitrage
SELECT 'cutbank', base, quote, instrument, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), arbitrage_event,
       ELT(CAST(buy_venue + 1 AS INT), 'binance-spot', 'huobi', 'kraken', 'coinbase', 'okx', 'bybit-spot', 'binance-usdm', 'bybit-linear'),
       ELT(CAST(sell_venue + 1 AS INT), 'binance-spot', 'huobi', 'kraken', 'coinbase', 'okx', 'bybit-spot', 'binance-usdm', 'bybit-linear'),
       edge, size, episode, episode_ms, best_edge
FROM compared
WHERE arbitrage_event IS NOT NULL;
