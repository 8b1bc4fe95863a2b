-- expect: 5:129: RANDOM_CUT_FOREST: columns: ts is the time attribute: leave it out
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), cpu DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(cpu, ts));
