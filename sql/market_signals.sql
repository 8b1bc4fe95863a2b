-- Where do the markets go next, and are their records to be trusted?
--
-- In:   market-windows      what sql/market.sql writes: the last minute of each venue and symbol, every few seconds
--       market-links        what happened to the collectors' connections
-- Out:  market-bars         each minute of each venue and symbol, with its indicators
--       market-predictions  where each goes next, with the score of all earlier predictions, and signals
--       market-alerts       one record where something begins to be wrong (open), one where it is right again (close)
--
-- cutbank run sql/market_signals.sql
--
-- `window` and `slide` are those that sql/market.sql runs with.

SET 'table.exec.source.idle-timeout' = '${idle:-30} s';

CREATE TABLE windows (
    venue              STRING NOT NULL,
    symbol             STRING NOT NULL,
    base               STRING,
    quote              STRING,
    instrument         STRING,
    window_start       STRING,
    window_end         TIMESTAMP_LTZ(3) NOT NULL,
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
    lag_sum            BIGINT,
    WATERMARK FOR window_end AS window_end - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-windows',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE links (
    venue      STRING NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    kind       STRING NOT NULL,
    symbol     STRING,
    detail     STRING,
    missing    BIGINT,
    WATERMARK FOR event_time AS event_time - INTERVAL '2' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-links',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- ------------------------------------------------------------------------------------------------ bars
-- Bars are the windows that do not overlap. Where nothing was traded the last price stands, or that of the quotes.
CREATE VIEW bars AS
SELECT venue, symbol, base, quote, instrument, window_start, window_end AS bar_time, trades, quotes, volume, net_volume,
       low_price, high_price, open_price, close_price, mean_price, vwap, std_by_trade, std_by_time, volatility,
       bid, bid_size, ask, ask_size, (bid + ask) / 2 AS mid, mean_spread,
       COALESCE(LAST_VALUE(close_price) OVER (PARTITION BY venue, symbol ORDER BY window_end
                                              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
                (bid + ask) / 2) AS price
FROM windows
WHERE MOD(EXTRACT(EPOCH FROM window_end), ${window:-60}) = 0;

CREATE VIEW charted AS
SELECT * FROM INDICATORS(
    input   => TABLE bars PARTITION BY (venue, symbol),
    on_time => DESCRIPTOR(bar_time),
    price   => DESCRIPTOR(price),
    volume  => DESCRIPTOR(volume),
    periods => '${periods:-{}}',
    batch   => INTERVAL '${batch:-1}' SECOND);

-- ------------------------------------------------------------------------------------------------ predictions
-- What is known when a bar closes, as numbers that do not depend on the height of prices. Before an indicator's first
-- bar it has the value that says nothing.
CREATE VIEW compared_bars AS
SELECT *, LAG(mid, 1) OVER one_symbol AS mid_1, LAG(mid, 2) OVER one_symbol AS mid_2
FROM charted
WHERE bid > 0 AND ask > 0
WINDOW one_symbol AS (PARTITION BY venue, symbol ORDER BY bar_time);

CREATE VIEW featured AS
SELECT venue, symbol, bar_time, mid, bid, ask, volume, 10000 * COALESCE(mean_spread, 0.0) AS spread_bp,
       COALESCE(rsi, 50.0) / 50 - 1 AS rsi_side,
       10000 * COALESCE(macd_histogram, 0.0) / mid AS macd_side,
       COALESCE(bollinger_position, 0.5) - 0.5 AS band_side,
       LN(COALESCE(volume_ratio, 1.0) + 0.1) AS volume_side,
       10000 * COALESCE(momentum, 0.0) / mid AS momentum_side,
       10000 * COALESCE(mid / mid_1 - 1, 0.0) AS return_1,
       10000 * COALESCE(mid_1 / mid_2 - 1, 0.0) AS return_2,
       10000 * COALESCE(volatility, 0.0) / mid AS volatility_side,
       COALESCE(net_volume / NULLIF(volume, 0.0), 0.0) AS flow_side,
       COALESCE((bid_size - ask_size) / NULLIF(bid_size + ask_size, 0.0), 0.0) AS book_side
FROM compared_bars;

CREATE VIEW predicted AS
SELECT * FROM MARKET_SIGNALS(
    input     => TABLE featured PARTITION BY (venue, symbol),
    on_time   => DESCRIPTOR(bar_time),
    mid       => DESCRIPTOR(mid),
    bid       => DESCRIPTOR(bid),
    ask       => DESCRIPTOR(ask),
    features  => DESCRIPTOR(rsi_side, macd_side, band_side, volume_side, momentum_side, return_1, return_2,
                            volatility_side, flow_side, book_side),
    horizon   => INTERVAL '${horizon:-60}' SECOND,
    threshold => ${signal:-0.7},
    release   => ${release:-0.5},
    cool_down => INTERVAL '${cool_down:-300}' SECOND,
    fee       => ${fee:-0.001},
    batch     => INTERVAL '${batch:-1}' SECOND);

-- How it went of late: over the last hundred bars, those without a move left out.
CREATE VIEW followed AS
SELECT *, AVG(outcome_right) OVER (PARTITION BY venue, symbol ORDER BY bar_time
                                   ROWS BETWEEN 99 PRECEDING AND CURRENT ROW) AS recent_accuracy
FROM predicted;

-- ------------------------------------------------------------------------------------------------ symbols and venues
-- What is wrong with a symbol. Its windows go on for as long as they hold one of its records: they tell of a symbol that
-- has fallen silent while others go on.
CREATE VIEW seen AS
SELECT venue, symbol, window_end AS closed_at, quote_age_ms, crossed, duplicates, invalid, lags, lag_low, lag_sum
FROM windows;

CREATE VIEW symbol_checks AS
SELECT *, quote_age_ms > ${stale:-15000} AS is_stale, crossed > 0 AS is_crossed, duplicates > 0 AS is_doubled,
       invalid > 0 AS is_invalid
FROM seen;

CREATE VIEW symbol_changes AS
SELECT *, LAG(is_stale) OVER one_symbol AS was_stale, LAG(is_crossed) OVER one_symbol AS was_crossed,
       LAG(is_doubled) OVER one_symbol AS was_doubled, LAG(is_invalid) OVER one_symbol AS was_invalid
FROM symbol_checks
WINDOW one_symbol AS (PARTITION BY venue, symbol ORDER BY closed_at);

-- How late records are, by venue. Clocks differ, by more than a delay at times: what counts is the distance from the
-- least lag of the last ten minutes.
CREATE VIEW venue_lags AS
SELECT venue, window_time AS at_time, SUM(lags) AS records, MIN(lag_low) AS lag_low, SUM(lag_sum) / SUM(lags) AS lag_ms
FROM TABLE(TUMBLE(TABLE seen, DESCRIPTOR(closed_at), INTERVAL '${slide:-5}' SECOND))
GROUP BY venue, window_start, window_end, window_time
HAVING SUM(lags) > 0;

CREATE VIEW venue_delays AS
SELECT *, lag_ms - MIN(lag_low) OVER (PARTITION BY venue ORDER BY at_time
                                      RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS delay_ms
FROM venue_lags;

CREATE VIEW venue_checks AS
SELECT *, delay_ms > ${latency:-1000} AS is_late, lag_low < -${ahead:-5000} AS is_ahead
FROM venue_delays;

CREATE VIEW venue_changes AS
SELECT *, LAG(is_late) OVER one_venue AS was_late, LAG(is_ahead) OVER one_venue AS was_ahead
FROM venue_checks
WINDOW one_venue AS (PARTITION BY venue ORDER BY at_time);

-- ------------------------------------------------------------------------------------------------ unusual bars
-- A forest over move, volume and spread at once.
CREATE VIEW scored AS
SELECT * FROM RANDOM_CUT_FOREST(
    input       => TABLE featured PARTITION BY (venue, symbol),
    on_time     => DESCRIPTOR(bar_time),
    columns     => DESCRIPTOR(return_1, volume_side, spread_bp),
    trees       => 50,
    sample_size => 128,
    batch       => INTERVAL '${batch:-1}' SECOND);

-- A move against the median of the last hour's: a scale that the outlier itself does not stretch.
CREATE VIEW measured AS
SELECT *, PERCENTILE(ABS(return_1), 0.5e0) OVER one_hour AS usual_bp, COUNT(*) OVER one_hour AS bars_seen
FROM scored
WINDOW one_hour AS (PARTITION BY venue, symbol ORDER BY bar_time ROWS BETWEEN 60 PRECEDING AND CURRENT ROW);

CREATE VIEW bar_checks AS
SELECT *, bars_seen > 20 AND ABS(return_1) > ${outlier:-8.0} * (usual_bp + 0.5) AS is_outlier,
       anomaly_score > ${anomaly:-2.0} AS is_anomaly
FROM measured;

CREATE VIEW bar_changes AS
SELECT *, LAG(is_outlier) OVER one_symbol AS was_outlier, LAG(is_anomaly) OVER one_symbol AS was_anomaly
FROM bar_checks
WINDOW one_symbol AS (PARTITION BY venue, symbol ORDER BY bar_time);

-- Do predictions err more, or less, than they used to?
CREATE VIEW drifted AS
SELECT * FROM DRIFT(
    input   => (SELECT venue, symbol, bar_time, accuracy, moves, 1 - outcome_right AS wrong
                FROM predicted WHERE outcome_right IS NOT NULL) PARTITION BY (venue, symbol),
    on_time => DESCRIPTOR(bar_time),
    `value` => DESCRIPTOR(wrong),
    method  => 'adwin',
    batch   => INTERVAL '${batch:-1}' SECOND);

-- A change is over when so many predictions have come without another.
CREATE VIEW drift_checks AS
SELECT *, MAX(CASE WHEN drift THEN 1 ELSE 0 END) OVER since_change = 1 AS is_drifted
FROM drifted
WINDOW since_change AS (PARTITION BY venue, symbol ORDER BY bar_time
                        ROWS BETWEEN ${drift_over:-100} PRECEDING AND CURRENT ROW);

CREATE VIEW drift_changes AS
SELECT *, LAG(is_drifted) OVER (PARTITION BY venue, symbol ORDER BY bar_time) AS was_drifted
FROM drift_checks;

-- ------------------------------------------------------------------------------------------------ what goes out
CREATE VIEW found AS
SELECT kind, severity, CASE WHEN is_so THEN 'open' ELSE 'close' END AS state, venue, symbol,
       CAST(closed_at AS TIMESTAMP_LTZ(3)) AS at_time, evidence
FROM symbol_changes CROSS JOIN UNNEST(ARRAY[
    ROW('STALE', 'warning', is_stale, was_stale, JSON_OBJECT('quote_age_ms' VALUE quote_age_ms)),
    ROW('CROSSED', 'info', is_crossed, was_crossed, JSON_OBJECT('quotes' VALUE crossed)),
    ROW('DUPLICATES', 'warning', is_doubled, was_doubled, JSON_OBJECT('trades' VALUE duplicates)),
    ROW('INVALID', 'error', is_invalid, was_invalid, JSON_OBJECT('records' VALUE invalid))
]) AS checked(kind, severity, is_so, was_so, evidence)
WHERE COALESCE(is_so, FALSE) <> COALESCE(was_so, FALSE)
UNION ALL
SELECT kind, severity, CASE WHEN is_so THEN 'open' ELSE 'close' END, venue, CAST(NULL AS STRING),
       CAST(at_time AS TIMESTAMP_LTZ(3)), evidence
FROM venue_changes CROSS JOIN UNNEST(ARRAY[
    ROW('LATENCY', 'warning', is_late, was_late,
        JSON_OBJECT('delay_ms' VALUE delay_ms, 'lag_ms' VALUE lag_ms, 'records' VALUE records)),
    ROW('CLOCK_AHEAD', 'warning', is_ahead, was_ahead, JSON_OBJECT('lag_ms' VALUE lag_low, 'records' VALUE records))
]) AS checked(kind, severity, is_so, was_so, evidence)
WHERE COALESCE(is_so, FALSE) <> COALESCE(was_so, FALSE)
UNION ALL
SELECT kind, severity, CASE WHEN is_so THEN 'open' ELSE 'close' END, venue, symbol,
       CAST(bar_time AS TIMESTAMP_LTZ(3)), evidence
FROM bar_changes CROSS JOIN UNNEST(ARRAY[
    ROW('OUTLIER', 'info', is_outlier, was_outlier,
        JSON_OBJECT('return_bp' VALUE return_1, 'usual_bp' VALUE usual_bp)),
    ROW('ANOMALY', 'info', is_anomaly, was_anomaly,
        JSON_OBJECT('anomaly_score' VALUE anomaly_score, 'return_bp' VALUE return_1, 'spread_bp' VALUE spread_bp,
                    'volume' VALUE volume))
]) AS checked(kind, severity, is_so, was_so, evidence)
WHERE COALESCE(is_so, FALSE) <> COALESCE(was_so, FALSE)
UNION ALL
SELECT 'MODEL_DRIFT', 'warning', CASE WHEN is_drifted THEN 'open' ELSE 'close' END, venue, symbol,
       CAST(bar_time AS TIMESTAMP_LTZ(3)),
       JSON_OBJECT('drift_statistic' VALUE drift_statistic, 'accuracy' VALUE accuracy, 'moves' VALUE moves)
FROM drift_changes
WHERE is_drifted <> COALESCE(was_drifted, FALSE)
UNION ALL
-- What the collectors tell of connections has this machine's time, and happens at once: nothing closes it.
SELECT CASE kind WHEN 'gap' THEN 'GAP' WHEN 'given_up' THEN 'GIVEN_UP' ELSE 'REFUSED' END,
       CASE kind WHEN 'gap' THEN 'warning' ELSE 'error' END, 'open', venue, symbol,
       CAST(event_time AS TIMESTAMP_LTZ(3)), JSON_OBJECT('missing' VALUE missing, 'detail' VALUE detail)
FROM links
WHERE kind IN ('gap', 'given_up', 'refused');

-- Times leave as text: Flink's JSON would drop the zeros at the end of a second's fraction.
CREATE TABLE minutes (
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
    low_price          DOUBLE,
    high_price         DOUBLE,
    open_price         DOUBLE,
    close_price        DOUBLE,
    mean_price         DOUBLE,
    vwap               DOUBLE,
    std_by_trade       DOUBLE,
    std_by_time        DOUBLE,
    volatility         DOUBLE,
    bid                DOUBLE,
    ask                DOUBLE,
    mean_spread        DOUBLE,
    rsi                DOUBLE,
    macd               DOUBLE,
    macd_signal        DOUBLE,
    macd_histogram     DOUBLE,
    bollinger_position DOUBLE,
    volume_ratio       DOUBLE,
    momentum           DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-bars',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'venue',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'market-bars',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE predictions (
    preset              STRING,
    venue               STRING,
    symbol              STRING,
    window_end          STRING,
    mid                 DOUBLE,
    score               DOUBLE,
    signal              STRING,
    expected_return     DOUBLE,
    inverse_score       DOUBLE,
    inverse_weight_low  DOUBLE,
    inverse_weight_high DOUBLE,
    outcome_return      DOUBLE,
    outcome_score       DOUBLE,
    outcome_right       DOUBLE,
    moves               BIGINT,
    zero_share          DOUBLE,
    dropped             BIGINT,
    accuracy            DOUBLE,
    accuracy_low        DOUBLE,
    accuracy_high       DOUBLE,
    recent_accuracy     DOUBLE,
    inverse_accuracy    DOUBLE,
    baseline_up         DOUBLE,
    baseline_same       DOUBLE,
    baseline_opposite   DOUBLE,
    brier               DOUBLE,
    gross_bp            DOUBLE,
    net_bp              DOUBLE,
    signals             BIGINT,
    signals_net_bp      DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-predictions',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'venue',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'market-predictions',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE alerts (
    preset     STRING,
    kind       STRING,
    severity   STRING,
    state      STRING,
    venue      STRING,
    symbol     STRING,
    event_time STRING,
    evidence   STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-alerts',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'venue',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'market-alerts',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO minutes
SELECT venue, symbol, base, quote, instrument, window_start,
       DATE_FORMAT(bar_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), trades, quotes, volume, low_price, high_price,
       open_price, close_price, mean_price, vwap, std_by_trade, std_by_time, volatility, bid, ask, mean_spread, rsi, macd,
       macd_signal, macd_histogram, bollinger_position, volume_ratio, momentum
FROM charted;

INSERT INTO predictions
SELECT 'cutbank', venue, symbol, DATE_FORMAT(bar_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), mid, score, signal, expected_return,
       inverse_score, inverse_weight_low, inverse_weight_high, outcome_return, outcome_score, outcome_right, moves,
       zero_share, dropped, accuracy, accuracy_low, accuracy_high, recent_accuracy, inverse_accuracy, baseline_up,
       baseline_same, baseline_opposite, brier, gross_bp, net_bp, signals, signals_net_bp
FROM followed;

INSERT INTO alerts
SELECT 'cutbank', kind, severity, state, venue, symbol, DATE_FORMAT(at_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), evidence
FROM found;
