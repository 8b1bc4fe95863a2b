-- expect: 2:1: SET is followed by 'key' = 'value'
SET 'parallelism.default';
INSERT INTO scores SELECT * FROM loudness;
