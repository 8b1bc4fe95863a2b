-- expect: 8:14: table scores cannot be written to: WITH lacks 'path'
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'filesystem', 'format' = 'json');
INSERT INTO scores SELECT device, volume FROM loudness;
