-- expect: 5:42: RANDOM_CUT_FOREST: the input has a column anomaly_score already, which the function adds: rename it in the input, (SELECT ..., anomaly_score AS other_name FROM t)
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), anomaly_score DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts));
