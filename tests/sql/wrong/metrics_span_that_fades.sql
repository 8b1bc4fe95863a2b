-- expect: 14:42: PREQUENTIAL_METRICS: fading counts rows: leave it out, or span
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
SELECT campaign, ts FROM PREQUENTIAL_METRICS(
    input => TABLE outcomes PARTITION BY campaign, on_time => DESCRIPTOR(ts), label => DESCRIPTOR(clicked),
    span => INTERVAL '1' HOUR, fading => 0.99);
