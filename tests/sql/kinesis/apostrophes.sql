-- quotes in texts, and what looks like a placeholder of a pipeline
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(40), b VARCHAR(30));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM 'it''s -- no comment; /* nor this */', '$${x}' || ticker_symbol FROM "SOURCE_SQL_STREAM_001";
