-- names without quotes are upper case; a filter; no STREAM; the last semicolon is missing
CREATE OR REPLACE STREAM destination_sql_stream (ticker VARCHAR(8), price DOUBLE, doubled INTEGER, at TIMESTAMP);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT ticker_symbol, price, price * 2, rowtime
FROM "SOURCE_SQL_STREAM_001"
WHERE sector SIMILAR TO '%TECH%'
