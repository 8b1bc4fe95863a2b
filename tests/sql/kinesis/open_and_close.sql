-- opening and closing prices: the first and last by ROWTIME, not by when they were read
CREATE STREAM "DESTINATION_SQL_STREAM" (symbol VARCHAR(8), opening REAL, high REAL, low REAL, closing REAL, quoted REAL);
CREATE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ticker_symbol, FIRST_VALUE(price), MAX(price), MIN(price), LAST_VALUE(price), FIRST_VALUE(price) IGNORE NULLS
FROM "SOURCE_SQL_STREAM_001" GROUP BY ticker_symbol, STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' MINUTE)
HAVING LAST_VALUE(price) > 0;
