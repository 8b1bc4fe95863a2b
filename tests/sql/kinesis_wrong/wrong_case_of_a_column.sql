-- expect: 3:82: there is no column ticker_symbol: there is TICKER_SYMBOL, and names without quotes are upper case; write TICKER_SYMBOL without quotes, or in upper case
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b REAL);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM "ticker_symbol", price FROM "SOURCE_SQL_STREAM_001";
