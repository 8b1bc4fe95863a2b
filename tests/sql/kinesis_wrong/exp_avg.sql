-- expect: 3:82: EXP_AVG is not supported: its weights depend on the clock of each row, which Flink's windows do not offer
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b REAL);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM" SELECT STREAM EXP_AVG(price, INTERVAL '1' MINUTE), price FROM "SOURCE_SQL_STREAM_001";
