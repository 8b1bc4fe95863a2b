-- declared without quotes and used with them, and the other way round
create or replace stream destination_sql_stream (Symbol varchar(8), "price" real);
CREATE STREAM "MIDDLE" ("SYMBOL" VARCHAR(8), "price" REAL) DESCRIPTION 'between the two';
CREATE OR REPLACE PUMP "P1" DESCRIPTION 'first' AS INSERT INTO middle SELECT STREAM "TICKER_SYMBOL", price FROM source_sql_stream_001;
create pump p2 as insert into "DESTINATION_SQL_STREAM" select symbol, "price" from Middle
