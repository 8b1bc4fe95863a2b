-- AS t(a, b) names the columns of a sub-select; a sub-select in a sub-select; the same alias twice
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (x VARCHAR(8), y REAL, z REAL);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM t.a, t.b AS c, t.b * 2 AS c FROM (SELECT STREAM ticker_symbol, price FROM (SELECT STREAM * FROM "SOURCE_SQL_STREAM_001" WHERE price > 1)) AS t(a, b);
