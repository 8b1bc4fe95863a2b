-- expect: 12:29: RANDOM_CUT_FOREST: input is TABLE name PARTITION BY columns, nothing else
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
    input => TABLE loudness AS l PARTITION BY device,
    on_time => DESCRIPTOR(event_time));
