-- What became of the lists of a media site: impressions with their clicks, and click-through rates.
--
-- In:   media-lists               {"request_id", "event_time", "user_id", "items", "made_by"}: what was shown, in order
--       media-clicks              {"event_time", "user_id", "item_id", "request_id", "position"}
-- Out:  recommender-impressions   every shown list with each click on it within the join window: a record a click, or
--                                 one without when the window is over
--       recommender-late-clicks   clicks without such a list
--       recommender-joins         clicks, those that found their list, and their share, every ten minutes
--       recommender-ctr           click-through rate by item over 10 min, 1 h, 24 h and 7 d, shrunk to the site's; and
--                                 clicks over those expected at the positions shown (COEC)
--
-- cutbank run sql/recommender_rates.sql

SET 'table.exec.source.idle-timeout' = '${idle:-30} s';
-- Rates are by the minute. What waits to be joined is written to disk at each checkpoint, and with one a second that, and
-- putting the many small files together again, would cost more than all counting.
SET 'execution.checkpointing.interval' = '${checkpoint:-10} s';
-- On disk what waits may be larger than memory; with hashmap it is in the TaskManager's memory, which is faster.
SET 'state.backend.type' = '${state:-rocksdb}';

CREATE TABLE clicks (
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    user_id    BIGINT NOT NULL,
    item_id    BIGINT NOT NULL,
    request_id STRING,
    `position` INT,
    WATERMARK FOR event_time AS event_time - INTERVAL '${disorder:-5}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'media-clicks',
    -- recommender.sql reads this topic too, and has the other names
    'cutbank.rejects.topic' = 'media-clicks-rates-rejects',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE lists (
    request_id STRING NOT NULL,
    event_time TIMESTAMP_LTZ(3) NOT NULL,
    user_id    BIGINT NOT NULL,
    items      ARRAY<BIGINT> NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '${disorder:-5}' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'media-lists',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- ------------------------------------------------------------------------------------------------ impressions and clicks

-- Lists as they are: one row to keep for half an hour instead of one for each of their items. One join that keeps what
-- finds nothing on both sides, so that lists and clicks wait once; behind UNNEST, for what is asked of one side only
-- would make of it two joins that keep one side each.
CREATE VIEW met AS
SELECT lists.event_time AS shown_at, clicks.event_time AS clicked_at, list_id, reader, shown_items, click_id,
       clicked_by, clicked_item, clicked_place
FROM lists FULL OUTER JOIN clicks
  ON lists.request_id = clicks.request_id AND lists.user_id = clicks.user_id
 AND ARRAY_CONTAINS(lists.items, clicks.item_id)
 AND clicks.event_time BETWEEN lists.event_time AND lists.event_time + INTERVAL '${join_minutes:-30}' MINUTE
CROSS JOIN UNNEST(ARRAY[ROW(lists.request_id, lists.user_id, lists.items, clicks.request_id, clicks.user_id,
                            clicks.item_id, clicks.`position`)])
    AS both_sides (list_id, reader, shown_items, click_id, clicked_by, clicked_item, clicked_place);

CREATE VIEW lists_and_clicks AS
SELECT shown_at AS event_time, list_id AS request_id, reader AS user_id, shown_items AS items,
       clicked_item AS item_id, clicked_place AS `position`, CAST(clicked_at AS TIMESTAMP_LTZ(3)) AS clicked_at
FROM met WHERE list_id IS NOT NULL;

CREATE VIEW clicks_and_lists AS
SELECT clicked_at AS event_time, click_id AS request_id, clicked_by AS user_id, clicked_item AS item_id,
       list_id IS NOT NULL AS joined
FROM met WHERE clicked_item IS NOT NULL;

-- ------------------------------------------------------------------------------------------------ rates

CREATE VIEW shown AS
SELECT event_time, item_id, CAST(place AS INT) AS place
FROM lists CROSS JOIN UNNEST(items) WITH ORDINALITY AS each_item (item_id, place);

CREATE VIEW shown_and_clicked AS
SELECT event_time, item_id, place, CAST(1 AS BIGINT) AS was_shown, CAST(0 AS BIGINT) AS was_clicked FROM shown
UNION ALL
SELECT event_time, item_id, COALESCE(`position`, 0), CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM clicks;

-- Counted by the minute first, once: all windows below consist of whole minutes, and are made of these few rows.
CREATE VIEW minutes AS
SELECT window_start, window_end, window_time, item_id, place, SUM(was_shown) AS shown, SUM(was_clicked) AS clicked
FROM TABLE(TUMBLE(TABLE shown_and_clicked, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, window_time, item_id, place;

CREATE VIEW place_minutes AS SELECT window_time, item_id, place, shown, clicked FROM minutes;

-- Rates over all places take one row an item of each minute.
CREATE VIEW item_minutes AS
SELECT window_time, item_id, SUM(shown) AS shown, SUM(clicked) AS clicked
FROM minutes GROUP BY window_start, window_end, window_time, item_id;

-- A rate of few impressions says little: it is shrunk to that of the site, as if ${prior:-20} impressions had had it.
CREATE VIEW rates_10_min AS
SELECT '10 min' AS span, window_end, item_id, SUM(shown) AS shown, SUM(clicked) AS clicked
FROM TABLE(HOP(TABLE item_minutes, DESCRIPTOR(window_time), INTERVAL '1' MINUTE, INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, item_id;

CREATE VIEW rates_1_h AS
SELECT '1 h' AS span, window_end, item_id, SUM(shown) AS shown, SUM(clicked) AS clicked
FROM TABLE(HOP(TABLE item_minutes, DESCRIPTOR(window_time), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))
GROUP BY window_start, window_end, item_id;

CREATE VIEW rates_24_h AS
SELECT '24 h' AS span, window_end, item_id, SUM(shown) AS shown, SUM(clicked) AS clicked
FROM TABLE(HOP(TABLE item_minutes, DESCRIPTOR(window_time), INTERVAL '1' HOUR, INTERVAL '24' HOUR))
GROUP BY window_start, window_end, item_id;

CREATE VIEW rates_7_d AS
SELECT '7 d' AS span, window_end, item_id, SUM(shown) AS shown, SUM(clicked) AS clicked
FROM TABLE(HOP(TABLE item_minutes, DESCRIPTOR(window_time), INTERVAL '6' HOUR, INTERVAL '7' DAY))
GROUP BY window_start, window_end, item_id;

-- What clicks could be expected of an item where it was shown: by the rate of each place over all items.
CREATE VIEW item_places AS
SELECT window_start, window_end, item_id, place, SUM(shown) AS shown, SUM(clicked) AS clicked
FROM TABLE(HOP(TABLE place_minutes, DESCRIPTOR(window_time), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))
GROUP BY window_start, window_end, item_id, place;

CREATE VIEW place_rates AS
SELECT window_start, window_end, place, CAST(SUM(clicked) AS DOUBLE) / NULLIF(SUM(shown), 0) AS rate
FROM item_places GROUP BY window_start, window_end, place;

CREATE VIEW expected AS
SELECT item_places.window_start, item_places.window_end, item_id, shown, clicked, shown * rate AS expected
FROM item_places JOIN place_rates
  ON item_places.window_start = place_rates.window_start AND item_places.window_end = place_rates.window_end
 AND item_places.place = place_rates.place;

CREATE VIEW over_expected AS
SELECT window_end, item_id, SUM(shown) AS shown, SUM(clicked) AS clicked, SUM(expected) AS expected
FROM expected GROUP BY window_start, window_end, item_id;

-- ------------------------------------------------------------------------------------------------ out

-- Times leave as text: Flink's JSON would drop the zeros at the end of a second's fraction.
CREATE TABLE joined_impressions (
    event_time STRING,
    request_id STRING,
    user_id    BIGINT,
    items      ARRAY<BIGINT>,
    item_id    BIGINT,
    `position` INT,
    clicked_at STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'recommender-impressions',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'request_id',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'recommender-impressions',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE late_clicks (
    event_time STRING,
    request_id STRING,
    user_id    BIGINT,
    item_id    BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'recommender-late-clicks',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'request_id',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'recommender-late-clicks',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE joins (
    window_end STRING,
    clicks     BIGINT,
    joined     BIGINT,
    share      DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'recommender-joins',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'window_end',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'recommender-joins',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE rates (
    item          STRING,
    span          STRING,
    window_end    STRING,
    shown         BIGINT,
    clicked       BIGINT,
    rate          DOUBLE,
    expected      DOUBLE,
    over_expected DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'recommender-ctr',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'item',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'recommender-ctr',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO joined_impressions
SELECT DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), request_id, user_id, items, item_id, `position`,
       DATE_FORMAT(clicked_at, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''')
FROM lists_and_clicks;

INSERT INTO late_clicks
SELECT DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), request_id, user_id, item_id
FROM clicks_and_lists WHERE NOT joined;

INSERT INTO joins
SELECT DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), COUNT(*), SUM(CASE WHEN joined THEN 1 ELSE 0 END),
       AVG(CASE WHEN joined THEN CAST(1 AS DOUBLE) ELSE CAST(0 AS DOUBLE) END)
FROM TABLE(TUMBLE(TABLE clicks_and_lists, DESCRIPTOR(event_time), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end;

INSERT INTO rates
SELECT CAST(item_id AS STRING), span, DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), shown, clicked,
       (clicked + ${prior:-20} * ${site_rate:-0.04}) / (shown + ${prior:-20}), CAST(NULL AS DOUBLE),
       CAST(NULL AS DOUBLE)
FROM (
    SELECT * FROM rates_10_min UNION ALL SELECT * FROM rates_1_h
    UNION ALL SELECT * FROM rates_24_h UNION ALL SELECT * FROM rates_7_d
);

INSERT INTO rates
SELECT CAST(item_id AS STRING), '1 h, by position', DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), shown, clicked,
       (clicked + ${prior:-20} * ${site_rate:-0.04}) / (shown + ${prior:-20}), expected, (clicked + 1) / (expected + 1)
FROM over_expected;
