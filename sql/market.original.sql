-- The original market system beside ours, on the same records: what its predictions, alerts and spreads are worth.
--
-- In:   market-trades, market-quotes      as of sql/market.sql
--       market-windows                    what sql/market.sql writes: it has to run too
-- Out:  market-predictions, market-arbitrage, market-alerts: rows whose preset is 'original'
--
-- cutbank run sql/market.sql --preset original
--
-- It is kept to compare with, defects and all; docs/market.md says which. The numbers are the original's: 30 trades in a
-- window before anything is predicted, a threshold of 0.7, a second of latency, 0.1 % of spread.

SET 'table.exec.source.idle-timeout' = '${idle:-30} s';

CREATE TABLE market_trades (
    venue        STRING NOT NULL,
    symbol       STRING NOT NULL,
    event_time   TIMESTAMP_LTZ(3) NOT NULL,
    receive_time TIMESTAMP_LTZ(3) NOT NULL,
    price        DOUBLE NOT NULL,
    size         DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '${delay:-2}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-trades',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'cutbank.rejects.topic' = 'market-original-trades-rejects',
    'cutbank.late.topic' = 'market-original-trades-late'
);

CREATE TABLE market_quotes (
    venue      STRING NOT NULL,
    base       STRING,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    bid        DOUBLE NOT NULL,
    ask        DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '${delay:-2}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-quotes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'cutbank.rejects.topic' = 'market-original-quotes-rejects',
    'cutbank.late.topic' = 'market-original-quotes-late'
);

CREATE TABLE windows (
    venue             STRING NOT NULL,
    symbol            STRING NOT NULL,
    window_end        TIMESTAMP_LTZ(3) NOT NULL,
    trades            BIGINT,
    volume            DOUBLE,
    close_price       DOUBLE,
    mean_price        DOUBLE,
    std_by_trade      DOUBLE,
    velocity_by_trade DOUBLE,
    volatility        DOUBLE,
    bid               DOUBLE,
    ask               DOUBLE,
    WATERMARK FOR window_end AS window_end - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'market-windows',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'cutbank.rejects.topic' = 'market-original-windows-rejects',
    'cutbank.late.topic' = 'market-original-windows-late'
);

-- ------------------------------------------------------------------------------------------------ predictions
-- Every window that slides by is a row of the indicators, closed or not.
CREATE VIEW full_windows AS
SELECT *, (bid + ask) / 2 AS mid
FROM windows
WHERE trades >= 30 AND bid > 0 AND ask > 0;

CREATE VIEW charted AS
SELECT * FROM INDICATORS(
    input   => TABLE full_windows PARTITION BY (venue, symbol),
    on_time => DESCRIPTOR(window_end),
    price   => DESCRIPTOR(close_price),
    volume  => DESCRIPTOR(volume),
    batch   => INTERVAL '${batch:-1}' SECOND);

-- The ten features, in their order.
CREATE VIEW featured AS
SELECT venue, symbol, window_end, mid, bid, ask, mean_price, std_by_trade, velocity_by_trade, volatility, volume,
       COALESCE(rsi, 50.0) AS rsi_or_half, COALESCE(macd, 0.0) AS macd_or_nothing,
       COALESCE(bollinger_position, 0.5) AS position_or_middle, COALESCE(volume_ratio, 1.0) AS ratio_or_one,
       COALESCE(momentum, 0.0) AS momentum_or_nothing
FROM charted;

CREATE VIEW predicted AS
SELECT * FROM MARKET_SIGNALS(
    input     => TABLE featured PARTITION BY (venue, symbol),
    on_time   => DESCRIPTOR(window_end),
    mid       => DESCRIPTOR(mid),
    bid       => DESCRIPTOR(bid),
    ask       => DESCRIPTOR(ask),
    features  => DESCRIPTOR(mean_price, std_by_trade, velocity_by_trade, volatility, volume, rsi_or_half,
                            macd_or_nothing, position_or_middle, ratio_or_one, momentum_or_nothing),
    horizon   => INTERVAL '${horizon:-60}' SECOND,
    threshold => 0.7,
    fee       => ${fee:-0.001},
    preset    => 'original',
    batch     => INTERVAL '${batch:-1}' SECOND);

-- Accuracy as the original shows it: of the last hundred predictions, and those that met no move were wrong.
CREATE VIEW judged AS
SELECT *, CASE WHEN outcome_return IS NULL OR outcome_score = 0 THEN CAST(NULL AS DOUBLE)
               WHEN outcome_score * outcome_return > 0 THEN 1.0e0 ELSE 0.0e0 END AS sign_right
FROM predicted;

CREATE VIEW followed AS
SELECT *, AVG(sign_right) OVER last_hundred AS recent_accuracy, COUNT(sign_right) OVER last_hundred AS recent
FROM judged
WINDOW last_hundred AS (PARTITION BY venue, symbol ORDER BY window_end ROWS BETWEEN 99 PRECEDING AND CURRENT ROW);

-- ------------------------------------------------------------------------------------------------ arbitrage
-- The middles of quotes, however old, and wherever they come from: one dollar is as good as another, and a perpetual as
-- the coins themselves.
CREATE VIEW middles AS
SELECT base, event_time, (bid + ask) / 2 AS mid, 1.0e0 AS unit_size,
       CASE venue WHEN 'binance-spot' THEN 0 WHEN 'binance' THEN 0 WHEN 'huobi' THEN 1 WHEN 'kraken' THEN 2
                  WHEN 'coinbase' THEN 3 WHEN 'okx' THEN 4 WHEN 'bybit-spot' THEN 5 WHEN 'binance-usdm' THEN 6
                  WHEN 'bybit-linear' THEN 7 END AS venue_number
FROM market_quotes
WHERE base IS NOT NULL;

CREATE VIEW compared AS
SELECT * FROM ARBITRAGE(
    input     => TABLE middles PARTITION BY base,
    on_time   => DESCRIPTOR(event_time),
    venue     => DESCRIPTOR(venue_number),
    bid       => DESCRIPTOR(mid),
    bid_size  => DESCRIPTOR(unit_size),
    ask       => DESCRIPTOR(mid),
    ask_size  => DESCRIPTOR(unit_size),
    fees      => '[0, 0, 0, 0, 0, 0, 0, 0]',
    threshold => 0.001,
    max_age   => INTERVAL '24' HOUR,
    max_skew  => INTERVAL '24' HOUR,
    batch     => INTERVAL '${batch:-1}' SECOND);

-- ------------------------------------------------------------------------------------------------ alerts
-- One a record, for as long as it lasts: nothing closes. What has no price, size or time is no record at all; collectors
-- send it to market-frames-rejects.
CREATE VIEW lagging_trades AS
SELECT *, EXTRACT(EPOCH FROM receive_time) * 1000 + EXTRACT(MILLISECOND FROM receive_time)
          - EXTRACT(EPOCH FROM event_time) * 1000 - EXTRACT(MILLISECOND FROM event_time) AS lag_ms
FROM market_trades;

CREATE VIEW found AS
SELECT 'HIGH_LATENCY' AS kind, 'warning' AS severity, venue, symbol, CAST(event_time AS TIMESTAMP_LTZ(3)) AS at_time,
       JSON_OBJECT('lag_ms' VALUE lag_ms) AS evidence
FROM lagging_trades
WHERE lag_ms > 1000
UNION ALL
SELECT 'DATA_INTEGRITY', 'error', venue, symbol, CAST(event_time AS TIMESTAMP_LTZ(3)),
       JSON_OBJECT('price' VALUE price, 'volume' VALUE size)
FROM lagging_trades
WHERE price <= 0 OR price > 1e9 OR size < 0
UNION ALL
SELECT 'MODEL_DRIFT', 'warning', venue, symbol, CAST(window_end AS TIMESTAMP_LTZ(3)),
       JSON_OBJECT('recent_accuracy' VALUE recent_accuracy)
FROM followed
WHERE recent = 100 AND recent_accuracy < 0.45;

-- ------------------------------------------------------------------------------------------------ what goes out
-- The columns of sql/market.sql and sql/market_signals.sql.
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
    'sink.transactional-id-prefix' = 'market-original-predictions',
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
    'sink.transactional-id-prefix' = 'market-original-arbitrage',
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
    'sink.transactional-id-prefix' = 'market-original-alerts',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO predictions
SELECT 'original', venue, symbol, DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), mid, score, signal,
       expected_return, inverse_score, inverse_weight_low, inverse_weight_high, outcome_return, outcome_score,
       outcome_right, moves, zero_share, dropped, accuracy, accuracy_low, accuracy_high, recent_accuracy,
       inverse_accuracy, baseline_up, baseline_same, baseline_opposite, brier, gross_bp, net_bp, signals, signals_net_bp
FROM followed;

INSERT INTO arbitrage
SELECT 'original', base, CAST(NULL AS STRING), CAST(NULL AS STRING),
       DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), 'tick',
       ELT(CAST(buy_venue + 1 AS INT), 'binance-spot', 'huobi', 'kraken', 'coinbase', 'okx', 'bybit-spot', 'binance-usdm', 'bybit-linear'),
       ELT(CAST(sell_venue + 1 AS INT), 'binance-spot', 'huobi', 'kraken', 'coinbase', 'okx', 'bybit-spot', 'binance-usdm', 'bybit-linear'),
       edge, CAST(NULL AS DOUBLE), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS DOUBLE)
FROM compared
WHERE edge > 0.001;

INSERT INTO alerts
SELECT 'original', kind, severity, 'open', venue, symbol, DATE_FORMAT(at_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), evidence
FROM found;
