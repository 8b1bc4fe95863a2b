-- expect: 5:69: RANDOM_CUT_FOREST: PARTITION BY: ts is the time attribute, each of its values would be a key: use a column that many rows share
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), cpu DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY ts, on_time => DESCRIPTOR(ts));
