-- expect: 3:5: CREATE TABLE loudness: a table has one watermark, this is the second
CREATE TABLE loudness (a TIMESTAMP(3), WATERMARK FOR a AS a,
    WATERMARK FOR a AS a) WITH ('connector' = 'kafka');
INSERT INTO scores SELECT * FROM loudness;
