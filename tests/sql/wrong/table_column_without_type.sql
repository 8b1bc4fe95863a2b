-- expect: 4:5: CREATE TABLE loudness: a column is a name and a type, or a name AS expression
CREATE TABLE loudness (
    device STRING,
    volume
) WITH ('connector' = 'kafka');
INSERT INTO scores SELECT * FROM loudness;
