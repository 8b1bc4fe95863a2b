-- expect: 4:15: there is no column Ticker_Symbol: there is TICKER_SYMBOL, and names without quotes are upper case; write TICKER_SYMBOL without quotes, or in upper case
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "Ticker_Symbol", VOLUME FROM "SOURCE_SQL_STREAM_001";
