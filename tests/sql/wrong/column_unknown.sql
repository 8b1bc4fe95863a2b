-- expect: 5:124: RANDOM_CUT_FOREST: columns: the input has no column cpu_precent, did you mean cpu_percent?
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), cpu_percent DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(cpu_precent));
