-- expect: 6:19: The rowtime attribute field 'even_time' is not defined in the table schema
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR even_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores SELECT device, volume FROM loudness;
