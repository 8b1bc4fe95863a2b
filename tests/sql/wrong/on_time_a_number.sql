-- expect: 5:97: RANDOM_CUT_FOREST: on_time: ts (BIGINT) is no time attribute: use a TIMESTAMP_LTZ(3) column with a WATERMARK
CREATE TABLE metrics (host STRING, ts BIGINT, cpu DOUBLE)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts));
