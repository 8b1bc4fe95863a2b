-- the right side keeps its rows; the left one is looked for in the minute before
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b REAL, c REAL);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM r.ticker_symbol, l.price, r.price FROM (SELECT STREAM * FROM "SOURCE_SQL_STREAM_001" WHERE sector = 'L') OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS l
RIGHT JOIN (SELECT STREAM * FROM "SOURCE_SQL_STREAM_001" WHERE sector = 'R') AS r ON l.ticker_symbol = r.ticker_symbol;
