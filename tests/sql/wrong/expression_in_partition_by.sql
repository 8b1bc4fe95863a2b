-- expect: 12:42: RANDOM_CUT_FOREST: PARTITION BY takes names of columns, not expressions: compute them in the input, (SELECT ..., expression AS name FROM t)
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'loudness', 'format' = 'json');
CREATE TABLE scores (device STRING, event_time TIMESTAMP_LTZ(3), volume DOUBLE, anomaly_score DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'loudness-scores', 'format' = 'json');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(
    input => TABLE loudness PARTITION BY UPPER(device),
    on_time => DESCRIPTOR(event_time));
