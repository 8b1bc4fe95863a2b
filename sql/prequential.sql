-- Rankings over recorded clicks, honestly: every row is answered before it is learned, through Kafka and Flink.
--
-- In:   prequential           {"number", "event_time", "user_id", "item_id", "wanted", "ranking"}: a click, the question
--                             before it, or both; `ranking` is a number in the list below
-- Out:  prequential-answers   {"number", "ranking", "items", "fallback"}: what was wanted
--
-- cutbank run sql/prequential.sql
-- cutbank feed media --globo clicks.parquet --ask blend,popular-window
--
-- Rows of equal time keep their order: give the topic one partition.

SET 'cutbank.snapshot.records' = '1000000';
SET 'cutbank.snapshot.bytes' = '64000000';
-- 64 packs are a hundred milliseconds in a live stream and minutes of work where a day of clicks comes at once
SET 'python.fn-execution.bundle.size' = '8';

CREATE TABLE questions (
    number     BIGINT NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    user_id    BIGINT NOT NULL,
    item_id    BIGINT,
    wanted     INT,
    ranking    INT,
    WATERMARK FOR event_time AS event_time
) WITH (
    'connector' = 'kafka',
    'topic' = '${topic:-prequential}',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE VIEW answered AS
SELECT * FROM RANK_ITEMS(
    input        => TABLE questions,
    on_time      => DESCRIPTOR(event_time),
    user         => DESCRIPTOR(user_id),
    item         => DESCRIPTOR(item_id),
    wanted       => DESCRIPTOR(wanted),
    ranking      => DESCRIPTOR(ranking),
    rankings     => '${rankings:-blend,popular-window,popular-window:30m,popular-window:1h,covisit,clusters,popular-static}',
    static_since => ${static_since:-NULL},
    static_until => ${static_until:-NULL},
    seed         => ${seed:-0},
    batch        => INTERVAL '${batch:-60}' SECOND);

CREATE TABLE answers (
    number   BIGINT,
    ranking  STRING,
    items    ARRAY<BIGINT>,
    fallback BOOLEAN
) WITH (
    'connector' = 'kafka',
    'topic' = '${topic:-prequential}-answers',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'value.format' = 'json',
    'key.format' = 'raw',
    'key.fields' = 'ranking',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = '${topic:-prequential}-answers',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO answers SELECT number, ranked_by, ranked_items, fallback FROM answered WHERE ranked_by IS NOT NULL;
