-- expect: 4:97: MONOTONIC holds for ROWTIME only: Flink's windows go by the time of the source. Name the column as rowtime = "..." under [sources] and group by ROWTIME
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ticker_symbol, COUNT(*) FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY ticker_symbol, MONOTONIC(event_time);
