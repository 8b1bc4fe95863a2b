-- expect: 4:102: a join with the last rows of a stream is not supported, Flink joins streams by time: take RANGE
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM l.ticker_symbol, 1 FROM "SOURCE_SQL_STREAM_001" AS l JOIN "SOURCE_SQL_STREAM_001" OVER (ROWS 10 PRECEDING) AS r ON l.ticker_symbol = r.ticker_symbol;
