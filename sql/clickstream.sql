-- Which impressions will be clicked? Models learn from every click that comes, however late, and the best one serves.
--
-- In:   impressions               {"impression_id", "campaign", "event_time", "x0" .. "x9"}
--       clicks                    {"impression_id", "campaign", "event_time", "clicked"}: the label, when it is known
-- Out:  clickstream-predictions   every impression with its probability, at once
--       clickstream-outcomes      the same with its label, when it came or came not in time
--       clickstream-decisions     which model took over, and on what evidence
--       clickstream-metrics       how good the predictions were, every ten seconds: by campaign, by model, by lag
--       clickstream-minutes       impressions, clicks and their rate, a campaign and minute
--
-- cutbank run sql/clickstream.sql, and for a page with curves: cutbank report clickstream

CREATE TABLE impressions (
    impression_id BIGINT NOT NULL,
    campaign      STRING NOT NULL,
    event_time    TIMESTAMP_LTZ(3) NOT NULL,
    x0 DOUBLE NOT NULL, x1 DOUBLE NOT NULL, x2 DOUBLE NOT NULL, x3 DOUBLE NOT NULL, x4 DOUBLE NOT NULL,
    x5 DOUBLE NOT NULL, x6 DOUBLE NOT NULL, x7 DOUBLE NOT NULL, x8 DOUBLE NOT NULL, x9 DOUBLE NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'impressions',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TABLE clicks (
    impression_id BIGINT NOT NULL,
    campaign      STRING NOT NULL,
    event_time    TIMESTAMP_LTZ(3) NOT NULL,
    clicked       INT NOT NULL,
    WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'clicks',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'scan.startup.mode' = 'earliest-offset',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601'
);

-- Four models a campaign, of which the first serves until another has proved to be better. An impression is predicted at
-- once and learned when its label comes; with a source that sends clicks only, negative_after_timeout => TRUE learns a 0
-- where none came.
CREATE VIEW predicted AS
SELECT * FROM CHAMPION_CHALLENGER(
    input                  => TABLE impressions PARTITION BY campaign,
    labels                 => TABLE clicks      PARTITION BY campaign,
    on_time                => DESCRIPTOR(event_time),
    id                     => DESCRIPTOR(impression_id),
    features               => DESCRIPTOR(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9),
    label                  => DESCRIPTOR(clicked),
    label_timeout          => INTERVAL '${label_timeout:-600}' SECOND,
    negative_after_timeout => ${negative_after_timeout:-FALSE},
    candidates             => '[{"algorithm": "logistic", "learning_rate": 0.001},
                                {"algorithm": "logistic", "learning_rate": 0.05},
                                {"algorithm": "naive_bayes"},
                                {"algorithm": "hoeffding_tree"}]',
    alpha                  => ${alpha:-0.05},
    batch                  => INTERVAL '${batch:-1}' SECOND);

CREATE VIEW closed AS
SELECT campaign, event_time, impression_id, probability, predicted, label, label_lag_ms, model_version, champion,
       probabilities
FROM predicted WHERE kind = 'outcome';

-- Each outcome counts for its campaign; and for all campaigns together once as it was served, once for what each model
-- said, and once among the labels that came as late as its own.
CREATE VIEW series_of_outcomes AS
SELECT campaign, 'served' AS series, event_time, impression_id, label, probability, champion FROM closed
UNION ALL
SELECT 'all', 'served', event_time, impression_id, label, probability, champion FROM closed
UNION ALL
SELECT 'all', CONCAT('model ', CAST(m.number - 1 AS STRING)), event_time, impression_id, label,
       CAST(m.said AS DOUBLE), champion
FROM closed
CROSS JOIN UNNEST(JSON_QUERY(probabilities, '$' RETURNING ARRAY<STRING>)) WITH ORDINALITY AS m (said, number)
UNION ALL
SELECT 'all',
       CASE WHEN label_lag_ms < 1000 THEN 'lag under 1 s'
            WHEN label_lag_ms < 3000 THEN 'lag 1 to 3 s'
            WHEN label_lag_ms < 10000 THEN 'lag 3 to 10 s'
            WHEN label_lag_ms < 60000 THEN 'lag 10 to 60 s'
            WHEN label_lag_ms < 600000 THEN 'lag 1 to 10 min'
            ELSE 'lag over 10 min' END,
       event_time, impression_id, label, probability, champion
FROM closed WHERE label_lag_ms IS NOT NULL;

-- The last 1000 outcomes of each, measured with the probabilities that were given before their labels were known.
CREATE VIEW measured AS
SELECT * FROM PREQUENTIAL_METRICS(
    input   => TABLE series_of_outcomes PARTITION BY campaign, series,
    on_time => DESCRIPTOR(event_time),
    window  => 1000,
    batch   => INTERVAL '${batch:-1}' SECOND);

CREATE VIEW measured_by_window AS
SELECT *, ROW_NUMBER() OVER (
    PARTITION BY window_start, window_end, campaign, series ORDER BY event_time DESC, impression_id DESC) AS place
FROM TABLE(TUMBLE(TABLE measured, DESCRIPTOR(event_time), INTERVAL '10' SECOND))
WHERE n IS NOT NULL;

CREATE VIEW shown_and_clicked AS
SELECT campaign, event_time, 1 AS shown, 0 AS clicked FROM impressions
UNION ALL
SELECT campaign, event_time, 0 AS shown, clicked FROM clicks;

-- Times leave as text: Flink's JSON would drop the zeros at the end of a second's fraction.
CREATE TABLE predictions (
    campaign      STRING,
    event_time    STRING,
    impression_id BIGINT,
    probability   DOUBLE,
    predicted     DOUBLE,
    model_version BIGINT,
    champion      BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'clickstream-predictions',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'campaign',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'clickstream-predictions',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE outcomes (
    campaign      STRING,
    event_time    STRING,
    impression_id BIGINT,
    probability   DOUBLE,
    predicted     DOUBLE,
    label         DOUBLE,
    label_lag_ms  BIGINT,
    model_version BIGINT,
    champion      BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'clickstream-outcomes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'campaign',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'clickstream-outcomes',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE decisions (
    campaign   STRING,
    event_time STRING,
    decision   STRING,
    champion   BIGINT,
    evidence   STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'clickstream-decisions',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'campaign',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'clickstream-decisions',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE metrics (
    campaign            STRING,
    series              STRING,
    window_end          STRING,
    champion            BIGINT,
    n                   BIGINT,
    accuracy            DOUBLE,
    f1                  DOUBLE,
    kappa               DOUBLE,
    log_loss            DOUBLE,
    brier               DOUBLE,
    roc_auc             DOUBLE,
    calibration_error   DOUBLE,
    baseline_last_class DOUBLE,
    baseline_prior      DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'clickstream-metrics',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'campaign',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'clickstream-metrics',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TABLE minutes (
    campaign           STRING,
    window_start       STRING,
    impressions        BIGINT,
    clicks             BIGINT,
    click_through_rate DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'clickstream-minutes',
    'properties.bootstrap.servers' = '${bootstrap_servers:-localhost:19092}',
    'key.format' = 'raw',
    'key.fields' = 'campaign',
    'value.format' = 'json',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'clickstream-minutes',
    'properties.transaction.timeout.ms' = '900000'
);

INSERT INTO predictions
SELECT campaign, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), impression_id, probability, predicted,
       model_version, champion
FROM predicted WHERE kind = 'prediction';

INSERT INTO outcomes
SELECT campaign, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), impression_id, probability, predicted,
       label, label_lag_ms, model_version, champion
FROM closed;

INSERT INTO decisions
SELECT campaign, DATE_FORMAT(event_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), decision, champion, evidence
FROM predicted WHERE kind = 'decision';

INSERT INTO metrics
SELECT campaign, series, DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), champion, n, accuracy, f1, kappa,
       log_loss, brier, roc_auc, calibration_error, baseline_last_class, baseline_prior
FROM measured_by_window WHERE place = 1;

-- Clicks count in the minute in which they happened, so a rate can be above 1 where impressions are rare.
INSERT INTO minutes
SELECT campaign, DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''), SUM(shown), SUM(clicked),
       CAST(SUM(clicked) AS DOUBLE) / NULLIF(SUM(shown), 0)
FROM TABLE(TUMBLE(TABLE shown_and_clicked, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY campaign, window_start, window_end;
