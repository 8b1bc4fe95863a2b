-- expect: 6:131: ONLINE_CLASSIFIER: on_time: ts of the input is TIMESTAMP_LTZ(3), ts of labels is TIMESTAMP(3): they must be of one type, CAST one of them
CREATE TABLE shown (id STRING, k STRING, k2 INT, ts TIMESTAMP_LTZ(3), price DOUBLE, big DECIMAL(9, 2), clicked INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE clicks (of STRING, k STRING, k2 STRING, ts TIMESTAMP_LTZ(3), at TIMESTAMP(3), yes BOOLEAN, note STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE local (id STRING, ts TIMESTAMP(3), yes BOOLEAN, number BIGINT, ratio DOUBLE, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
INSERT INTO o
SELECT * FROM ONLINE_CLASSIFIER(input => TABLE shown PARTITION BY k, labels => TABLE local PARTITION BY id, on_time => DESCRIPTOR(ts), id => DESCRIPTOR(id), features => DESCRIPTOR(price), label => DESCRIPTOR(yes));
