-- expect: 4:30: EXP_AVG is not supported: its weights depend on the clock of each row, which Flink's windows do not offer
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ticker_symbol, EXP_AVG(price, INTERVAL '1' MINUTE) FROM "SOURCE_SQL_STREAM_001";
