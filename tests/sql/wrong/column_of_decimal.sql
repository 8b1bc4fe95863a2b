-- expect: 5:124: RANDOM_CUT_FOREST: columns: price is DECIMAL(10, 2): DECIMAL is not supported, use CAST(price AS DOUBLE) in the input
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), price DECIMAL(10, 2), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(price));
