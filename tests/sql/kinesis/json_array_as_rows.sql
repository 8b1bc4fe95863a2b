-- the developer guide's example of a flattened array; an empty one gives one row
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (name VARCHAR(16), id VARCHAR(8));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "customerName", "orderId" FROM "SOURCE_SQL_STREAM_001";
