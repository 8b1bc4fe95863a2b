-- expect: 9:14: there is a table or view loudness already
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
CREATE TABLE loudness (a INT) WITH ('connector' = 'datagen');
INSERT INTO scores SELECT device, volume FROM loudness;
