-- expect: 10:92: there is no column anomaly, did you mean anomaly_score?
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores
SELECT device, volume FROM RANDOM_CUT_FOREST(TABLE loudness, DESCRIPTOR(event_time)) WHERE anomaly > 3;
