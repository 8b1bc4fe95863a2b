-- expect: 3:97: there is no column VOLUME: there is volume, and names without quotes are upper case; write "volume"
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b REAL);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM ticker_symbol, volume FROM "SOURCE_SQL_STREAM_001";
