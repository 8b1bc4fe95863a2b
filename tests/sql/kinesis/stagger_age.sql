-- a row at the end of a window's age opens the next one, though it comes within the age of the last row
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (ticker VARCHAR(8), n INTEGER, total REAL);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM UPPER(ticker_symbol), COUNT(*), SUM(price) FROM "SOURCE_SQL_STREAM_001" WHERE price > 0
WINDOWED BY STAGGER (PARTITION BY UPPER(ticker_symbol) RANGE INTERVAL '30' SECOND) HAVING COUNT(*) > 1;
