-- expect: 17:16: INDICATORS: periods: there is no period 'stochastic'; there are rsi, macd, bollinger, volume, momentum
CREATE TABLE bars (
    venue STRING,
    bar_time TIMESTAMP_LTZ(3),
    close_price DOUBLE,
    traded DOUBLE,
    WATERMARK FOR bar_time AS bar_time - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'bars', 'format' = 'json');
CREATE TABLE charted (venue STRING, bar_time TIMESTAMP_LTZ(3), rsi DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'bars-charted', 'format' = 'json');
INSERT INTO charted
SELECT venue, bar_time, rsi FROM INDICATORS(
    input => TABLE bars PARTITION BY venue,
    on_time => DESCRIPTOR(bar_time),
    price => DESCRIPTOR(close_price),
    volume => DESCRIPTOR(traded),
    periods => '{"stochastic": 14}');
