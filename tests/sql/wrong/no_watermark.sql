-- expect: 5:97: RANDOM_CUT_FOREST: on_time: ts (TIMESTAMP_LTZ(3)) is no time attribute: declare WATERMARK FOR ts AS ts - INTERVAL '5' SECOND in its table
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), cpu DOUBLE)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts));
