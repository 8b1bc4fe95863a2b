-- expect: 4:111: the side of a LEFT JOIN that keeps all its rows has a window: whether a row of it has no match would change when the other side comes later. Leave that window out
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM l.ticker_symbol, 1 FROM "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS l LEFT JOIN "SOURCE_SQL_STREAM_001" AS r ON l.ticker_symbol = r.ticker_symbol;
