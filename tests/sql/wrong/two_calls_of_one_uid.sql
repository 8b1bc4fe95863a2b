-- expect: 12:65: RANDOM_CUT_FOREST: two calls are named forest, the other at 10:32: give this one uid => '...'
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'loudness', 'format' = 'json');
CREATE TABLE scores (device STRING, event_time TIMESTAMP_LTZ(3), volume DOUBLE, anomaly_score DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'loudness-scores', 'format' = 'json');
CREATE VIEW a AS SELECT * FROM RANDOM_CUT_FOREST(input => TABLE loudness, on_time => DESCRIPTOR(event_time), uid => 'forest');
INSERT INTO scores SELECT * FROM RANDOM_CUT_FOREST(
    input => TABLE a, on_time => DESCRIPTOR(event_time), uid => 'forest');
