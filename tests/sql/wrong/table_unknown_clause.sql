-- expect: 2:39: CREATE TABLE loudness: WTIH is not expected here: WITH ('key' = 'value') follows the columns
CREATE TABLE loudness (volume DOUBLE) WTIH ('connector' = 'kafka');
INSERT INTO scores SELECT * FROM loudness;
