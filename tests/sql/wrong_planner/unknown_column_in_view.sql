-- expect: 12:7: there is no column volum, did you mean volume?
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
CREATE TEMPORARY VIEW loud AS
-- only the loud ones
SELECT device, volume FROM loudness
WHERE volum > 3;
INSERT INTO scores SELECT * FROM loud;
