-- expect: 9:62: Cannot apply 'LIKE' to arguments of type 'LIKE(<VARCHAR(2147483647)>, <INTEGER>)'. Supported form(s): 'LIKE(<STRING>, <STRING>, <STRING>)'
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores SELECT device, volume FROM loudness WHERE device LIKE 3;
