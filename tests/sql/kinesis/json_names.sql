-- columns called as keywords are; a path into the record; a boolean of 0 and 1; a guard against NULL
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("user" INTEGER, "timestamp" TIMESTAMP, "location" VARCHAR(32), "load" DOUBLE, "change" BOOLEAN, "index" BIGINT);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "userId", "timestamp", "location", "load", "change", "index" FROM "CLICKS_001" WHERE "page" IS NOT NULL AND "change" IS NOT FALSE;
