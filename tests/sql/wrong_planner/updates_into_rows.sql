-- expect: 9:13: scores takes new rows only, but the query changes rows it gave before (GroupAggregate): aggregate over a window (TUMBLE), or write to a table with a PRIMARY KEY
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');
INSERT INTO scores SELECT device, MAX(volume) FROM loudness GROUP BY device;
