-- Whom to follow: users like those one follows, and those whom users like oneself follow.
--
-- In:   media-follows            {"event_time", "user_id", "followed_id", "follows"}: follows, or does no longer
-- Out:  recommender-follows      {"user_id", "followed_id", "score"}: the ten best of each user by the sum of the
--                                similarities that speak for them; a record without value takes one back
--
-- cutbank run sql/recommender_follows.sql

-- A follow changes the likeness of many: changes of a few seconds are put together before they go on.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '${every:-5} s';
SET 'table.exec.mini-batch.size' = '10000';

-- Without a watermark: the newest record of two users holds as soon as it is there, in whatever order they come.
CREATE TABLE told (
    user_id     BIGINT NOT NULL,
    followed_id BIGINT NOT NULL,
    follows     BOOLEAN NOT NULL,
    event_time  TIMESTAMP_LTZ(3) NOT NULL
) WITH (
    'connector' = 'kafka',
    'topic' = 'media-follows',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE VIEW follows AS
SELECT user_id, followed_id
FROM (
    SELECT user_id, followed_id, follows,
           ROW_NUMBER() OVER (PARTITION BY user_id, followed_id ORDER BY event_time DESC) AS newest
    FROM told
)
WHERE newest = 1 AND follows;

CREATE VIEW sizes AS SELECT user_id, COUNT(*) AS follows FROM follows GROUP BY user_id;

CREATE VIEW common AS
SELECT mine.user_id, theirs.user_id AS other_id, COUNT(*) AS both_follow
FROM follows AS mine JOIN follows AS theirs
  ON mine.followed_id = theirs.followed_id AND mine.user_id <> theirs.user_id
GROUP BY mine.user_id, theirs.user_id;

-- The cosine of two rows of the follow matrix; udfs.follows.cosine_similarity is the same for two arrays.
CREATE VIEW alike AS
SELECT common.user_id, common.other_id, both_follow / SQRT(CAST(mine.follows * theirs.follows AS DOUBLE)) AS likeness
FROM common
JOIN sizes AS mine ON common.user_id = mine.user_id
JOIN sizes AS theirs ON common.other_id = theirs.user_id;

CREATE VIEW nearest AS
SELECT user_id, other_id, likeness
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY likeness DESC, other_id) AS place FROM alike
)
WHERE place <= ${neighbours:-50};

CREATE VIEW reasons AS
SELECT follows.user_id, nearest.other_id AS candidate, likeness
FROM follows JOIN nearest ON follows.followed_id = nearest.user_id
UNION ALL
SELECT nearest.user_id, follows.followed_id, likeness
FROM nearest JOIN follows ON nearest.other_id = follows.user_id;

CREATE VIEW scored AS
SELECT user_id, candidate, SUM(likeness) AS score
FROM reasons WHERE user_id <> candidate GROUP BY user_id, candidate;

CREATE VIEW unfollowed AS
SELECT scored.user_id, scored.candidate, score
FROM scored LEFT JOIN follows ON scored.user_id = follows.user_id AND scored.candidate = follows.followed_id
WHERE follows.followed_id IS NULL;

CREATE TABLE recommended (
    user_id     BIGINT,
    followed_id BIGINT,
    score       DOUBLE,
    PRIMARY KEY (user_id, followed_id) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'recommender-follows',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'json',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'recommender-follows',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO recommended
SELECT user_id, candidate, score
FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY score DESC, candidate) AS place FROM unfollowed
)
WHERE place <= ${wanted:-10};
