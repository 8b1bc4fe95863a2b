-- sorted within each second by a column that is not selected, and within equal ones by an expression
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (symbol VARCHAR(8));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM symbol FROM (
  SELECT STREAM ticker_symbol AS symbol FROM "SOURCE_SQL_STREAM_001" AS s
  ORDER BY FLOOR(s.ROWTIME TO SECOND), price DESC, UPPER(sector)
) AS sorted;
