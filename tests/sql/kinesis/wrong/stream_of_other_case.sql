-- expect: 4:37: there is no stream or reference table source_sql_stream_001: there is SOURCE_SQL_STREAM_001, and names without quotes are upper case; write SOURCE_SQL_STREAM_001 without quotes, or in upper case
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ticker_symbol, 1 FROM "source_sql_stream_001";
