-- expect: 6:230: ONLINE_CLASSIFIER: 'original_gate' takes numbers only, and device would be categories: leave them out
CREATE TABLE shown (id STRING, k STRING, k2 INT, ts TIMESTAMP_LTZ(3), price DOUBLE, device STRING, big DECIMAL(9, 2), clicked INT, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE clicks (of STRING, k STRING, k2 STRING, ts TIMESTAMP_LTZ(3), at TIMESTAMP(3), yes BOOLEAN, note STRING, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
CREATE TABLE local (id STRING, ts TIMESTAMP(3), yes BOOLEAN, number BIGINT, ratio DOUBLE, WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka');
INSERT INTO o
SELECT * FROM ONLINE_CLASSIFIER(input => TABLE shown PARTITION BY k, labels => TABLE clicks PARTITION BY k, on_time => DESCRIPTOR(ts), id => DESCRIPTOR(id, of), label => DESCRIPTOR(yes), algorithm => 'original_gate', features => DESCRIPTOR(price, device));
