-- expect: 25:5: RANDOM_CUT_FOREST: takes at most 13 arguments
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
    TABLE loudness,
    DESCRIPTOR(event_time),
    DESCRIPTOR(volume),
    100,
    256,
    100000,
    1,
    DEFAULT,
    DEFAULT,
    0,
    'skip',
    16,
    'a',
    TRUE);
