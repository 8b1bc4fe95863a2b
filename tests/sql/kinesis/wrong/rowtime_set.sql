-- expect: 4:15: ROWTIME of DESTINATION_SQL_STREAM would be set: it is given once, at the source. Give the column another name, or name the time as rowtime = "..." under [sources]
CREATE STREAM "DESTINATION_SQL_STREAM" (ROWTIME TIMESTAMP, b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM event_time, 1 FROM "SOURCE_SQL_STREAM_001";
