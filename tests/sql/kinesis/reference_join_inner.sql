-- an inner join with a reference table keeps time: a window behind it
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("Company" VARCHAR(20), n BIGINT);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM c."Company", COUNT(*) FROM "SOURCE_SQL_STREAM_001" AS s JOIN "CompanyName" AS c ON c."Ticker" = s.ticker_symbol GROUP BY c."Company", FLOOR(s.ROWTIME TO MINUTE);
