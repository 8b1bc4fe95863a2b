-- expect: 2:8: CREATE VIEW is not part of Kinesis Data Analytics: make it a stream and a pump
CREATE VIEW v AS SELECT * FROM "SOURCE_SQL_STREAM_001";
