-- expect: 2:51: this parenthesis is never closed: ) is missing
INSERT INTO scores SELECT * FROM RANDOM_CUT_FOREST(TABLE loudness, DESCRIPTOR(event_time);
