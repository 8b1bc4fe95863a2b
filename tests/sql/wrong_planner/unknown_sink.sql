-- expect: 9:13: there is no table or view score, did you mean scores?
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO score SELECT device, volume FROM loudness;
