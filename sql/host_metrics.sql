-- What is this machine doing, is that unusual, and which number says so?
--
-- In:   host-metrics           ten records a second: {"host", "event_time", "cpu_percent", "load_1m", "memory_percent",
--                              "disk_read_bytes", "disk_write_bytes", "net_sent_bytes", "net_received_bytes",
--                              "context_switches"}; bytes and switches are per second
-- Out:  host-metrics-scores    every record with its anomaly score and the share of each column in it
--       host-metrics-alerts    records that score high, each with its cause: the column with the largest share, and
--                              whether it is HIGH or LOW
--       host-metrics-verdicts  disturbances, each announced once: how surely it is one, and what was expected instead
--       host-metrics-minutes   one summary a host and minute
--
-- cutbank run sql/host_metrics.sql

CREATE TABLE host_metrics (
    host               STRING NOT NULL,
    event_time         TIMESTAMP_LTZ(3) NOT NULL,
    cpu_percent        DOUBLE NOT NULL,
    load_1m            DOUBLE NOT NULL,
    memory_percent     DOUBLE NOT NULL,
    disk_read_bytes    DOUBLE NOT NULL,
    disk_write_bytes   DOUBLE NOT NULL,
    net_sent_bytes     DOUBLE NOT NULL,
    net_received_bytes DOUBLE NOT NULL,
    context_switches   DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'host-metrics',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- A forest cuts wide columns more often than narrow ones. In bytes, disk and network reach 100,000,000 and the
-- processor's 100 is never cut: the forest would not see it. Of logarithms it sees everything, but a burst of a hundred
-- times the usual is then a small step and scores 1.2, as ordinary rows do. In megabytes and thousands a saturated disk
-- weighs about as much as a saturated processor, and a few seconds of both score about 4 (1,000 MB/s: 7).
CREATE VIEW weighed AS
SELECT *,
       disk_read_bytes / 1000000    AS disk_read_mb,
       disk_write_bytes / 1000000   AS disk_write_mb,
       net_sent_bytes / 1000000     AS net_sent_mb,
       net_received_bytes / 1000000 AS net_received_mb,
       context_switches / 1000      AS kilo_switches
FROM host_metrics;

-- One forest a host. A score of 0.6 to 1.3 is ordinary; warm-up, the first sample_size records, scores 0.
CREATE VIEW scored AS
SELECT * FROM RANDOM_CUT_FOREST_WITH_EXPLANATION(
    input       => TABLE weighed PARTITION BY host,
    on_time     => DESCRIPTOR(event_time),
    columns     => DESCRIPTOR(cpu_percent, load_1m, memory_percent, disk_read_mb, disk_write_mb, net_sent_mb,
                              net_received_mb, kilo_switches),
    trees       => 100,
    sample_size => 256,
    batch       => INTERVAL '${batch:-1}' SECOND);

-- The shares of the few records that score high, taken out of the explanation.
CREATE VIEW high AS
SELECT host, event_time, anomaly_score, anomaly_explanation,
       CAST(JSON_VALUE(anomaly_explanation, '$.cpu_percent.ATTRIBUTION_SCORE') AS DOUBLE)     AS of_cpu,
       CAST(JSON_VALUE(anomaly_explanation, '$.load_1m.ATTRIBUTION_SCORE') AS DOUBLE)         AS of_load,
       CAST(JSON_VALUE(anomaly_explanation, '$.memory_percent.ATTRIBUTION_SCORE') AS DOUBLE)  AS of_memory,
       CAST(JSON_VALUE(anomaly_explanation, '$.disk_read_mb.ATTRIBUTION_SCORE') AS DOUBLE)    AS of_disk_read,
       CAST(JSON_VALUE(anomaly_explanation, '$.disk_write_mb.ATTRIBUTION_SCORE') AS DOUBLE)   AS of_disk_write,
       CAST(JSON_VALUE(anomaly_explanation, '$.net_sent_mb.ATTRIBUTION_SCORE') AS DOUBLE)     AS of_net_sent,
       CAST(JSON_VALUE(anomaly_explanation, '$.net_received_mb.ATTRIBUTION_SCORE') AS DOUBLE) AS of_net_received,
       CAST(JSON_VALUE(anomaly_explanation, '$.kilo_switches.ATTRIBUTION_SCORE') AS DOUBLE)   AS of_switches
FROM scored
WHERE anomaly_score > ${threshold:-2.5};

CREATE VIEW caused AS
SELECT host, event_time, anomaly_score, anomaly_explanation,
       CASE GREATEST(of_cpu, of_load, of_memory, of_disk_read, of_disk_write, of_net_sent, of_net_received, of_switches)
           WHEN of_cpu          THEN 'cpu_percent '     || JSON_VALUE(anomaly_explanation, '$.cpu_percent.DIRECTION')
           WHEN of_load         THEN 'load_1m '         || JSON_VALUE(anomaly_explanation, '$.load_1m.DIRECTION')
           WHEN of_memory       THEN 'memory_percent '  || JSON_VALUE(anomaly_explanation, '$.memory_percent.DIRECTION')
           WHEN of_disk_read    THEN 'disk_read_mb '    || JSON_VALUE(anomaly_explanation, '$.disk_read_mb.DIRECTION')
           WHEN of_disk_write   THEN 'disk_write_mb '   || JSON_VALUE(anomaly_explanation, '$.disk_write_mb.DIRECTION')
           WHEN of_net_sent     THEN 'net_sent_mb '     || JSON_VALUE(anomaly_explanation, '$.net_sent_mb.DIRECTION')
           WHEN of_net_received THEN 'net_received_mb ' || JSON_VALUE(anomaly_explanation, '$.net_received_mb.DIRECTION')
           WHEN of_switches     THEN 'kilo_switches '   || JSON_VALUE(anomaly_explanation, '$.kilo_switches.DIRECTION')
       END AS cause
FROM high;

-- A verdict instead of a number: scores say of each record of a burst that it is unusual, this says once that there is
-- one. It weighs the columns by itself.
CREATE VIEW judged AS
SELECT * FROM DETECT_ANOMALIES(
    input       => TABLE host_metrics PARTITION BY host,
    on_time     => DESCRIPTOR(event_time),
    sensitivity => ${sensitivity:-0.3},
    batch       => INTERVAL '${batch:-1}' SECOND);

-- Times leave as text: Flink's JSON would drop the zeros at the end of a second's fraction.
CREATE TABLE scores (
    host                STRING,
    event_time          STRING,
    cpu_percent         DOUBLE,
    load_1m             DOUBLE,
    memory_percent      DOUBLE,
    disk_read_bytes     DOUBLE,
    disk_write_bytes    DOUBLE,
    net_sent_bytes      DOUBLE,
    net_received_bytes  DOUBLE,
    context_switches    DOUBLE,
    anomaly_score       DOUBLE,
    anomaly_explanation STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'host-metrics-scores',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'host',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'host-metrics-scores',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE alerts (
    host                STRING,
    event_time          STRING,
    anomaly_score       DOUBLE,
    cause               STRING,
    anomaly_explanation STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'host-metrics-alerts',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'host',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'host-metrics-alerts',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE verdicts (
    host                STRING,
    event_time          STRING,
    anomaly_grade       DOUBLE,
    expected_value      DOUBLE,
    anomaly_explanation STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'host-metrics-verdicts',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'host',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'host-metrics-verdicts',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE minutes (
    host             STRING,
    window_start     STRING,
    records          BIGINT,
    mean_cpu_percent DOUBLE,
    max_disk_bytes   DOUBLE,
    max_net_bytes    DOUBLE,
    max_score        DOUBLE,
    anomalies        BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'host-metrics-minutes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'host',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'host-metrics-minutes',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO scores
SELECT host, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), cpu_percent, load_1m, memory_percent,
       disk_read_bytes, disk_write_bytes, net_sent_bytes, net_received_bytes, context_switches,
       anomaly_score, anomaly_explanation
FROM scored;

INSERT INTO alerts
SELECT host, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), anomaly_score, cause, anomaly_explanation
FROM caused;

INSERT INTO verdicts
SELECT host, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), anomaly_grade, expected_value,
       anomaly_explanation
FROM judged
WHERE is_anomaly;

INSERT INTO minutes
SELECT host, DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), COUNT(*), AVG(cpu_percent),
       MAX(disk_read_bytes + disk_write_bytes), MAX(net_sent_bytes + net_received_bytes), MAX(anomaly_score),
       COUNT(*) FILTER (WHERE anomaly_score > ${threshold:-2.5})
FROM TABLE(TUMBLE(TABLE scored, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY host, window_start, window_end;
