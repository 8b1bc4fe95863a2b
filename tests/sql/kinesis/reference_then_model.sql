-- rows that a reference table has completed, in front of a model: ten rows are its warm-up, the eleventh is scored
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("Company" VARCHAR(20), price REAL, is_scored BOOLEAN);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "Company", price, anomaly_score > 0 FROM TABLE(RANDOM_CUT_FOREST(CURSOR(
  SELECT STREAM c."Company", s.price FROM "SOURCE_SQL_STREAM_001" AS s JOIN "CompanyName" AS c ON c."Ticker" = s.ticker_symbol
), 20, 10, 100));
