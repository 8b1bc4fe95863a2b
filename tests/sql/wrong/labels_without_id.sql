-- expect: 6:15: ONLINE_CLASSIFIER: id is missing: id => DESCRIPTOR(column), the column that joins labels with their inputs
CREATE TABLE shown (id STRING, k STRING, k2 INT, ts TIMESTAMP_LTZ(3), price DOUBLE, big DECIMAL(9, 2), clicked INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE clicks (of STRING, k STRING, k2 STRING, ts TIMESTAMP_LTZ(3), at TIMESTAMP(3), yes BOOLEAN, note STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE local (id STRING, ts TIMESTAMP(3), yes BOOLEAN, number BIGINT, ratio DOUBLE, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
INSERT INTO o
SELECT * FROM ONLINE_CLASSIFIER(input => TABLE shown PARTITION BY k, labels => TABLE clicks PARTITION BY k, on_time => DESCRIPTOR(ts), features => DESCRIPTOR(price), label => DESCRIPTOR(yes));
