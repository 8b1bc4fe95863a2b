-- How loud is it, and is that unusual?
--
-- In:   loudness           one record per audio block: {"device", "event_time", "volume"}
-- Out:  loudness-scores    every block with its anomaly score
--       loudness-alerts    blocks that score high, by second and, within it, by score
--       loudness-minutes   one summary a device and minute
--
-- cutbank run sql/loudness.sql

CREATE TABLE loudness (
    device     STRING NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    volume     DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'loudness',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- One forest a device. A score of 0.6 to 1.3 is ordinary; warm-up, the first sample_size blocks, scores 0.
CREATE VIEW scored AS
SELECT * FROM RANDOM_CUT_FOREST(
    input       => TABLE loudness PARTITION BY device,
    on_time     => DESCRIPTOR(event_time),
    columns     => DESCRIPTOR(volume),
    trees       => 100,
    sample_size => 256,
    batch       => INTERVAL '${batch:-1}' SECOND);

CREATE VIEW high AS
SELECT device, event_time, volume, anomaly_score FROM scored WHERE anomaly_score > ${threshold:-1.8};

CREATE VIEW high_by_second AS
SELECT device, event_time, volume, anomaly_score, window_time
FROM TABLE(TUMBLE(TABLE high, DESCRIPTOR(event_time), INTERVAL '1' SECOND));

-- Times leave as text: Flink's JSON would drop the zeros at the end of a second's fraction.
CREATE TABLE scores (
    device        STRING,
    event_time    STRING,
    volume        DOUBLE,
    anomaly_score DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'loudness-scores',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'device',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'loudness-scores',
    'properties.transaction.timeout.ms' = '900000'
);

-- One partition's worth of alerts is in order: the sort runs in one place, and the sink writes with one task.
CREATE TABLE alerts (
    device        STRING,
    event_time    STRING,
    volume        DOUBLE,
    anomaly_score DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'loudness-alerts',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'device',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'loudness-alerts',
    'sink.parallelism' = '1',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE minutes (
    device       STRING,
    window_start STRING,
    blocks       BIGINT,
    max_volume   DOUBLE,
    max_score    DOUBLE,
    anomalies    BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'loudness-minutes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'device',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'loudness-minutes',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO scores
SELECT device, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), volume, anomaly_score FROM scored;

INSERT INTO alerts
SELECT device, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), volume, anomaly_score FROM high_by_second
ORDER BY window_time, anomaly_score DESC;

INSERT INTO minutes
SELECT device, DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), COUNT(*), MAX(volume), MAX(anomaly_score),
       COUNT(*) FILTER (WHERE anomaly_score > ${threshold:-1.8})
FROM TABLE(TUMBLE(TABLE scored, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY device, window_start, window_end;
