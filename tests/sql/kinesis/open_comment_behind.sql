-- what is left behind the last statement was never closed
CREATE STREAM "DESTINATION_SQL_STREAM" (symbol VARCHAR(8));
CREATE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM ticker_symbol FROM "SOURCE_SQL_STREAM_001"; -- done
/* SELECT STREAM 'nothing more';
