-- expect: 5:15: RANDOM_CUT_FOREST: columns must be 1 to 30, got 0: name those to read, columns => DESCRIPTOR(a, b)
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), os STRING, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts));
