-- expect: 12:14: unknown table function RANDOM_CUT_FOREST_WITH_EXPLANATIONS, did you mean RANDOM_CUT_FOREST_WITH_EXPLANATION?
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
    input => RANDOM_CUT_FOREST_WITH_EXPLANATIONS(TABLE loudness, DESCRIPTOR(event_time)),
    on_time => DESCRIPTOR(event_time));
