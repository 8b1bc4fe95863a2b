-- expect: 2:1: SHOW has no place in a pipeline: remove it
SHOW TABLES;
INSERT INTO scores SELECT * FROM loudness;
