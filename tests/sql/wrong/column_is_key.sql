-- expect: 5:124: RANDOM_CUT_FOREST: columns: host is a key column, the same in every row of its model: leave it out
CREATE TABLE metrics (host INT, ts TIMESTAMP_LTZ(3), cpu DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(host, cpu));
