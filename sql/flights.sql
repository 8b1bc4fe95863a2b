-- Will this flight land more than 15 minutes late? Asked at its scheduled departure; known when it has landed.
--
-- In:   departures       {"impression_id", "event_time", "carrier", "origin", "dest", "hour", "day_of_week", "month",
--                         "distance"}, at the scheduled departure
--       landings         {"impression_id", "event_time", "clicked"}: 1 if it was late, at the landing
-- Out:  flight-outcomes  every flight with the probability given at its departure, by two models, and how it ended:
--                         model 'plain' knows the columns above, model 'windows' also how flights went that had landed
--
-- make bench-flights     runs it over the year 2013; the feed of recorded streams writes both topics

-- An OVER window by RANGE looks through all rows it keeps for each row that comes. Here these are some hours of flights,
-- megabytes: on the heap it takes a fraction of what going through RocksDB takes.
SET 'state.backend.type' = 'hashmap';

CREATE TABLE departures (
    impression_id BIGINT NOT NULL,
    event_time    TIMESTAMP_LTZ(3) NOT NULL,
    carrier       STRING NOT NULL,
    origin        STRING NOT NULL,
    dest          STRING NOT NULL,
    `hour`        STRING NOT NULL,
    day_of_week   STRING NOT NULL,
    `month`       STRING NOT NULL,
    distance      DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'departures',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = '${bounded_mode:-unbounded}',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE landings (
    impression_id BIGINT NOT NULL,
    event_time    TIMESTAMP_LTZ(3) NOT NULL,
    clicked       INT NOT NULL,
    known_at      AS CAST(event_time + INTERVAL '0.001' SECOND AS TIMESTAMP_LTZ(3)),
    WATERMARK FOR known_at AS known_at - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'landings',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = '${bounded_mode:-unbounded}',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- Landings in the time of what is known: a moment later, so that a flight that departs at that very moment knows of none.
CREATE VIEW known AS
SELECT known_at AS event_time, impression_id, clicked FROM landings;

CREATE VIEW plain AS
SELECT * FROM ONLINE_CLASSIFIER(
    input         => TABLE departures,
    labels        => TABLE known,
    on_time       => DESCRIPTOR(event_time),
    id            => DESCRIPTOR(impression_id),
    features      => DESCRIPTOR(distance, carrier, origin, dest, `hour`, day_of_week, `month`),
    label         => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '${label_timeout_hours:-48}' HOUR,
    algorithm     => 'logistic_mixture',
    encoding      => 'one_hot',
    batch         => INTERVAL '${batch:-60}' SECOND);

-- A flight comes twice: as it departs, and as it was then at the time at which its label came, landed or never. Both come
-- from one operator in order; departures from their topic would run ahead of it in a replay, and have to be kept.
CREATE VIEW both_ways AS
SELECT event_time, impression_id, carrier, origin, dest, `hour`, day_of_week, `month`, distance, kind,
       CASE WHEN kind = 'outcome' THEN CAST(label AS INT) END AS late
FROM plain;

-- How those went that have landed: in the last hour from the same airport, in the last three to the same one and by the
-- same carrier. Four flights of which one was late stand for what is usual where hardly any has landed.
CREATE VIEW by_origin AS
SELECT *, (SUM(late) OVER recent + 1.0) / (COUNT(late) OVER recent + 4) AS late_from
FROM both_ways
WINDOW recent AS (PARTITION BY origin ORDER BY event_time RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW);

CREATE VIEW by_dest AS
SELECT *, (SUM(late) OVER recent + 1.0) / (COUNT(late) OVER recent + 4) AS late_to
FROM by_origin
WINDOW recent AS (PARTITION BY dest ORDER BY event_time RANGE BETWEEN INTERVAL '3' HOUR PRECEDING AND CURRENT ROW);

CREATE VIEW by_carrier AS
SELECT *, (SUM(late) OVER recent + 1.0) / (COUNT(late) OVER recent + 4) AS late_by
FROM by_dest
WINDOW recent AS (PARTITION BY carrier ORDER BY event_time RANGE BETWEEN INTERVAL '3' HOUR PRECEDING AND CURRENT ROW);

CREATE VIEW departures_with_windows AS
SELECT impression_id, event_time, carrier, origin, dest, `hour`, day_of_week, `month`, distance,
       CAST(COALESCE(late_from, 0.25) AS DOUBLE) AS late_from, CAST(COALESCE(late_to, 0.25) AS DOUBLE) AS late_to,
       CAST(COALESCE(late_by, 0.25) AS DOUBLE) AS late_by
FROM by_carrier WHERE kind = 'prediction';

CREATE VIEW windows AS
SELECT * FROM ONLINE_CLASSIFIER(
    input         => TABLE departures_with_windows,
    labels        => TABLE known,
    on_time       => DESCRIPTOR(event_time),
    id            => DESCRIPTOR(impression_id),
    features      => DESCRIPTOR(
        distance, late_from, late_to, late_by, carrier, origin, dest, `hour`, day_of_week, `month`),
    label         => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '${label_timeout_hours:-48}' HOUR,
    algorithm     => 'logistic_mixture',
    encoding      => 'one_hot',
    batch         => INTERVAL '${batch:-60}' SECOND);

CREATE TABLE outcomes (
    model         STRING,
    impression_id BIGINT,
    event_time    STRING,
    late_from     DOUBLE,
    late_to       DOUBLE,
    late_by       DOUBLE,
    probability   DOUBLE,
    label         DOUBLE,
    label_lag_ms  BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'flight-outcomes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'model',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'flight-outcomes',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO outcomes
SELECT 'plain', impression_id, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
       CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), probability, label, label_lag_ms
FROM plain WHERE kind = 'outcome'
UNION ALL
SELECT 'windows', impression_id, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
       late_from, late_to, late_by, probability, label, label_lag_ms
FROM windows WHERE kind = 'outcome';
