-- expect: 2:60: CREATE TABLE loudness: option 'topic' is given twice
CREATE TABLE loudness (volume DOUBLE) WITH ('topic' = 'a', 'topic' = 'b');
INSERT INTO scores SELECT * FROM loudness;
