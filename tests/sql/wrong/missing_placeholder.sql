-- expect: 10:13: ${sink} has no value: give --set sink=...
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'loudness', 'format' = 'json');
CREATE TABLE scores (device STRING, event_time TIMESTAMP_LTZ(3), volume DOUBLE, anomaly_score DOUBLE)
WITH ('connector' = 'kafka', 'topic' = 'loudness-scores', 'format' = 'json');
INSERT INTO ${sink} SELECT device, event_time, volume, 0.0 FROM loudness WHERE volume > ${loud:-3};
