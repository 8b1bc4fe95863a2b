-- what goes wrong goes to the error stream with its place, and the application goes on
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (symbol VARCHAR(2), ratio DOUBLE, "volume" INTEGER, number INTEGER);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ticker_symbol, price / change,
  CASE WHEN "volume" = 0 THEN 0 ELSE 100 / "volume" END,
  CAST(sector AS INTEGER)
FROM "SOURCE_SQL_STREAM_001";
