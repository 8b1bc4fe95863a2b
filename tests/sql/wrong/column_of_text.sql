-- expect: 5:129: RANDOM_CUT_FOREST: columns: os is STRING: only TINYINT, SMALLINT, INT, BIGINT, FLOAT and DOUBLE can be scored
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), cpu DOUBLE, os STRING, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(cpu, os));
