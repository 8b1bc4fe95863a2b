-- expect: 5:69: RANDOM_CUT_FOREST: PARTITION BY: the input has no column hots, did you mean host?
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), cpu DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY hots, on_time => DESCRIPTOR(ts));
