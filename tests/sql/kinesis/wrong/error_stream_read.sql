-- expect: 4:31: error_stream cannot be read: give it a topic under [destinations]
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM message, 1 FROM error_stream;
