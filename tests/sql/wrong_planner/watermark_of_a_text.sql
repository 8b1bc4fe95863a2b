-- expect: 6:33: Cannot apply '-' to arguments of type '<VARCHAR(2147483647)> - <INTERVAL SECOND>'. Supported form(s): '<NUMERIC> - <NUMERIC>' '<DATETIME_INTERVAL> - <DATETIME_INTERVAL>' '<DATETIME> - <DATETIME_INTERVAL>'
CREATE TABLE loudness (
    device STRING,
    event_time STRING,
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores SELECT device, volume FROM loudness;
