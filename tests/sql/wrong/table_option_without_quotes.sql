-- expect: 2:45: CREATE TABLE loudness: an option is 'key' = 'value', both in single quotes
CREATE TABLE loudness (volume DOUBLE) WITH (connector = 'kafka');
INSERT INTO scores SELECT * FROM loudness;
