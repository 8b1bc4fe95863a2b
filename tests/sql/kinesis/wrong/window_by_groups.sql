-- expect: 4:1: a sliding window over groups: make the groups in a sub-select or in a pump of their own
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ticker_symbol, SUM(COUNT(*)) OVER (ROWS 2 PRECEDING) FROM "SOURCE_SQL_STREAM_001" AS s GROUP BY ticker_symbol, FLOOR(s.ROWTIME TO MINUTE);
