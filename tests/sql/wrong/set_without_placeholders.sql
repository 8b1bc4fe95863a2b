-- expect: 1:1: --set topic: the file has no placeholder ${topic}; it has none
-- set: topic=x
INSERT INTO scores SELECT * FROM loudness;
