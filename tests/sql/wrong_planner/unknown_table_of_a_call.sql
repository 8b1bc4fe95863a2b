-- expect: 11:20: there is no table or view loudnes, did you mean loudness?
CREATE TABLE loudness (
    device STRING,
    event_time TIMESTAMP_LTZ(3),
    volume DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'datagen');
CREATE TABLE scores (device STRING, volume DOUBLE) WITH ('connector' = 'blackhole');
INSERT INTO scores
SELECT device, volume FROM RANDOM_CUT_FOREST(
    input => TABLE loudnes PARTITION BY device,
    on_time => DESCRIPTOR(event_time));
