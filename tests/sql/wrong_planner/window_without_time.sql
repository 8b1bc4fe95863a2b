-- expect: 10:33: TUMBLE: the column in DESCRIPTOR must be a time attribute, it is DOUBLE
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores
SELECT device, MAX(volume) FROM TUMBLE(TABLE loudness, DESCRIPTOR(volume), INTERVAL '1' MINUTE)
GROUP BY device, window_start, window_end;
