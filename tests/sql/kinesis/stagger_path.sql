-- the first and the last page of a visit, without a window behind the functions
CREATE STREAM "DESTINATION_SQL_STREAM" (visit VARCHAR(24), entered VARCHAR(32), gone VARCHAR(32), "known" VARCHAR(32), pages INTEGER);
CREATE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM 'user ' || CAST("userId" AS VARCHAR(8)), FIRST_VALUE("page") AS entered, LAST_VALUE("page") AS gone,
  LAST_VALUE("location") IGNORE NULLS, COUNT(*) FROM "CLICKS_001"
WINDOWED BY STAGGER (PARTITION BY "userId" RANGE INTERVAL '30' SECOND);
