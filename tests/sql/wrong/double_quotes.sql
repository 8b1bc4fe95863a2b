-- expect: 2:27: double quotes have no meaning in Flink SQL: write 'text' for a text and `name` for a name
INSERT INTO scores SELECT "device" FROM loudness;
