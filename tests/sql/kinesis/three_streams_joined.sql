-- a third stream joins the pairs of two
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b REAL, c REAL, d REAL);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM a.ticker_symbol, a.price, b.price, c.price
FROM "SOURCE_SQL_STREAM_001" AS a JOIN "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '10' SECOND PRECEDING) AS b ON a.ticker_symbol = b.ticker_symbol AND a.price > b.price
JOIN "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '10' SECOND PRECEDING) AS c ON b.ticker_symbol = c.ticker_symbol AND b.price > c.price;
