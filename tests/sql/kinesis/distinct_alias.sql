-- users a minute, counted once: DISTINCT in a sub-select, and its alias is the window outside; no alias for the sub-select
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("minute" TIMESTAMP, "tickers" INTEGER);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "minute", COUNT("symbol")
FROM (SELECT STREAM DISTINCT FLOOR(s.ROWTIME TO MINUTE) AS "minute", TICKER_SYMBOL AS "symbol" FROM "SOURCE_SQL_STREAM_001" AS s)
GROUP BY "minute";
