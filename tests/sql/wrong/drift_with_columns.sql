-- expect: 13:79: DRIFT: unknown argument columns; it has input, on_time, value, method, delta, clock, threshold, fading, minimum, direction, alpha, window, recent, batch, idle, seed, on_null, buckets, uid
CREATE TABLE outcomes (
    campaign STRING,
    ts TIMESTAMP_LTZ(3),
    clicked BOOLEAN,
    probability DOUBLE,
    price DECIMAL(10, 2),
    WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'outcomes', 'format' = 'json');
CREATE TABLE found (campaign STRING, ts TIMESTAMP_LTZ(3)) WITH ('connector' = 'kafka', 'topic' = 'found', 'format' = 'json');
INSERT INTO found
SELECT campaign, ts FROM DRIFT(
    input => TABLE outcomes PARTITION BY campaign, on_time => DESCRIPTOR(ts), columns => DESCRIPTOR(probability));
