-- expect: 15:77: HOTSPOTS: on_null must be one of 'skip', 'error' here, got 'impute': a window of rows does not tell what a value would have been
CREATE TABLE taxis (
    city STRING,
    event_time TIMESTAMP_LTZ(3),
    x_km DOUBLE,
    y_km DOUBLE,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'taxis', 'format' = 'json');
CREATE TABLE crowded (city STRING, event_time TIMESTAMP_LTZ(3), hotspots_result STRING)
WITH ('connector' = 'kafka', 'topic' = 'taxis-crowded', 'format' = 'json');
INSERT INTO crowded
SELECT city, event_time, hotspots_result FROM HOTSPOTS(
    input => TABLE taxis PARTITION BY city,
    on_time => DESCRIPTOR(event_time),
    window_size => 100, scan_radius => 0.5, minimum_points => 5, on_null => 'impute');
