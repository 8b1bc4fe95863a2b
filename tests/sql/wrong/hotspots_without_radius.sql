-- expect: 12:47: HOTSPOTS: scan_radius is missing: scan_radius => ...
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
    window_size => 100, minimum_points => 5);
