-- expect: 14:38: DRIFT: value must be one column, got 2
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
    input => TABLE outcomes PARTITION BY campaign, on_time => DESCRIPTOR(ts),
    value => DESCRIPTOR(probability, clicked));
