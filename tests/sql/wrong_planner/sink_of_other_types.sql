-- expect: 9:13: incompatible types for sink column 'device' at position 1: the query gives (volume DOUBLE, volume0 DOUBLE), scores takes (device STRING, volume DOUBLE)
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores SELECT volume, volume FROM loudness;
