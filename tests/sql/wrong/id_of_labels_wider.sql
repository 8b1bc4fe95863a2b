-- expect: 6:129: ONLINE_CLASSIFIER: id: small of the input is INT, number of labels is BIGINT: they must be of one type, CAST one of them
CREATE TABLE shown (id STRING, k STRING, k2 INT, ts TIMESTAMP_LTZ(3), price DOUBLE, big DECIMAL(9, 2), clicked INT, small INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE clicks (of STRING, k STRING, k2 STRING, ts TIMESTAMP_LTZ(3), at TIMESTAMP(3), yes BOOLEAN, note STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE local (id STRING, ts TIMESTAMP(3), yes BOOLEAN, number BIGINT, ratio DOUBLE, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
INSERT INTO o
SELECT * FROM ONLINE_CLASSIFIER(input => TABLE shown, labels => TABLE local, on_time => DESCRIPTOR(ts), id => DESCRIPTOR(small, number), features => DESCRIPTOR(price), label => DESCRIPTOR(yes));
