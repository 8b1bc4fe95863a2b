-- expect: 11:39: RANDOM_CUT_FOREST: cannot be LATERAL: remove the word
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'loudness', 'format' = 'json');
CREATE TABLE scores (device STRING, event_time TIMESTAMP_LTZ(3), volume DOUBLE, anomaly_score DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'loudness-scores', 'format' = 'json');
INSERT INTO scores
SELECT * FROM loudness, LATERAL TABLE(RANDOM_CUT_FOREST(TABLE loudness, DESCRIPTOR(event_time)));
