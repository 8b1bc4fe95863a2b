/* a pump that reads a stream which a later statement makes; two pumps into one stream; a column list; the name of a
   pump may be that of a stream */
CREATE OR REPLACE PUMP "DESTINATION_SQL_STREAM" AS
  INSERT INTO "DESTINATION_SQL_STREAM" (what, price) SELECT STREAM kind, price FROM both;
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (price DOUBLE, what VARCHAR(10), note VARCHAR(4)) DESCRIPTION 'out';
CREATE STREAM both (kind VARCHAR(10), price REAL);
// the first
CREATE PUMP cheap DESCRIPTION 'cheap ones' AS INSERT INTO both SELECT STREAM 'cheap', price FROM "SOURCE_SQL_STREAM_001" WHERE price < 10;
CREATE PUMP dear AS INSERT INTO both (price, kind) SELECT price, CASE WHEN price >= 100 THEN 'very dear' ELSE 'dear' END
  FROM "SOURCE_SQL_STREAM_001" WHERE NOT price BETWEEN 0 AND 10 AND ticker_symbol IN ('A', 'B')
