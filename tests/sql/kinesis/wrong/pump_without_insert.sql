-- expect: 3:18: expected INSERT behind AS: pump P inserts into a stream, got the keyword SELECT
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE PUMP p AS SELECT STREAM ticker_symbol, 1 FROM "SOURCE_SQL_STREAM_001";
