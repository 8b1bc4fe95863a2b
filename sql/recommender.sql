-- Lists of articles for the readers of a media site, by rankings that learn every click.
--
-- In:   media-requests        {"request_id", "event_time", "user_id", "wanted", "experiment"}: a list is wanted; the
--                             experiment may be left out
--       media-clicks          {"event_time", "user_id", "item_id", "request_id", "position"}
--       media-allocation      {"experiment", "event_time", "control_percent", "treatment_percent", "assign_by"}: from
--                             then on, shares and way of assignment; may be empty, then the values below hold
-- Out:  recommender-answers   {"request_id", "items", "ranking", "variant", "bucket", ...}: at least once; request_id is
--                             the key, so that an answer that comes again replaces itself
--
-- cutbank run sql/recommender.sql

-- For a short way from request to answer; python -m benchmarks.recommender_latency measures what each is worth.
SET 'pipeline.auto-watermark-interval' = '20 ms';
SET 'execution.buffer-timeout.interval' = '5 ms';
SET 'python.fn-execution.bundle.time' = '10';
-- A topic in which nothing happens does not hold the others' time back for longer.
SET 'table.exec.source.idle-timeout' = '${idle:-1} s';
-- A snapshot writes all of a ranking.
SET 'cutbank.snapshot.records' = '200000';
SET 'cutbank.snapshot.bytes' = '32000000';

CREATE TABLE requests (
    request_id STRING NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    user_id    BIGINT NOT NULL,
    wanted     INT NOT NULL,
    experiment STRING,
    WATERMARK FOR event_time AS event_time - INTERVAL '${disorder:-0.05}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'media-requests',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE clicks (
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    user_id    BIGINT NOT NULL,
    item_id    BIGINT NOT NULL,
    request_id STRING,
    `position` INT,
    WATERMARK FOR event_time AS event_time - INTERVAL '${disorder:-0.05}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'media-clicks',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- How readers are shared out, by the newest record before the request. While none comes this topic is idle, and holds
-- nothing back; write one some seconds ahead of its event time, and it takes effect at that very moment.
CREATE TABLE allocations (
    experiment        STRING NOT NULL,
    event_time        TIMESTAMP_LTZ(3) NOT NULL,
    control_percent   INT,
    treatment_percent INT,
    assign_by         STRING,
    WATERMARK FOR event_time AS event_time - INTERVAL '${disorder:-0.05}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'media-allocation',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE VIEW allocation AS
SELECT experiment, event_time, control_percent, treatment_percent, assign_by
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY experiment ORDER BY event_time DESC) AS newest FROM allocations
)
WHERE newest = 1;

CREATE VIEW wished AS
SELECT request_id, event_time, user_id, wanted, COALESCE(experiment, '${experiment:-ranking}') AS experiment
FROM requests;

-- A reader has a bucket of a hundred: by a hash salted with the experiment's name, so that another experiment has other
-- groups; or by the last two digits of the id, the same in every experiment.
CREATE VIEW placed AS
SELECT request_id, wished.event_time, user_id, wanted,
       CASE WHEN COALESCE(assign_by, '${assign_by:-hash}') = 'digits' THEN CAST(MOD(ABS(user_id), 100) AS INT)
            ELSE MOD(MOD(HASH_CODE(MD5(CONCAT(wished.experiment, ':', CAST(user_id AS STRING)))), 100) + 100, 100)
       END AS bucket,
       COALESCE(treatment_percent, ${treatment_percent:-50}) AS treatment_percent,
       COALESCE(control_percent, 100 - COALESCE(treatment_percent, ${treatment_percent:-50})) AS control_percent
FROM wished LEFT JOIN allocation FOR SYSTEM_TIME AS OF wished.event_time
  ON wished.experiment = allocation.experiment;

-- The lowest buckets get the treatment and those behind them the control; the others take no part, and get what control
-- does.
CREATE VIEW asked AS
SELECT request_id, event_time, user_id, wanted, bucket,
       CASE WHEN bucket < treatment_percent THEN 'treatment'
            WHEN bucket < treatment_percent + control_percent THEN 'control' END AS `variant`
FROM placed;

-- A request is answered by all clicks before it in event time.
CREATE VIEW asked_and_clicked AS
SELECT event_time, request_id, user_id, CAST(NULL AS BIGINT) AS item_id, wanted, bucket, `variant`,
       CASE WHEN `variant` = 'treatment' THEN 1 ELSE 0 END AS arm
FROM asked
UNION ALL
SELECT event_time, CAST(NULL AS STRING), user_id, item_id, CAST(NULL AS INT), CAST(NULL AS INT), CAST(NULL AS STRING),
       CAST(NULL AS INT)
FROM clicks;

CREATE VIEW answered AS
SELECT * FROM RANK_ITEMS(
    input         => TABLE asked_and_clicked,
    on_time       => DESCRIPTOR(event_time),
    user          => DESCRIPTOR(user_id),
    item          => DESCRIPTOR(item_id),
    wanted        => DESCRIPTOR(wanted),
    ranking       => DESCRIPTOR(arm),
    rankings      => '${control:-popular-window:1h}, ${treatment:-blend}',
    frequency_cap => ${frequency_cap:-0},
    batch         => INTERVAL '${batch:-0.05}' SECOND)
WHERE request_id IS NOT NULL;

-- Visible at once, not with the next checkpoint; after a failure an answer may come again, the same one.
CREATE TABLE answers (
    request_id STRING,
    event_time STRING,
    user_id    BIGINT,
    items      ARRAY<BIGINT>,
    ranking    STRING,
    fallback   BOOLEAN,
    `variant`    STRING,
    bucket     INT
) WITH (
    'connector' = 'kafka',
    'topic' = 'recommender-answers',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'request_id',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'at-least-once'
);

INSERT INTO answers
SELECT request_id, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), user_id, ranked_items, ranked_by, fallback,
       `variant`, bucket
FROM answered;
