-- expect: 10:20: s has no column score
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores
SELECT s.device, s.score
FROM RANDOM_CUT_FOREST(
    input => TABLE loudness PARTITION BY device,
    on_time => DESCRIPTOR(event_time)) AS s;
