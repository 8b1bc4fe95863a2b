-- expect: 5:97: RANDOM_CUT_FOREST: on_time: seen (TIMESTAMP_LTZ(3)) is no time attribute: use ts
CREATE TABLE metrics (host STRING, seen TIMESTAMP_LTZ(3), ts TIMESTAMP_LTZ(3), cpu DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(seen));
