-- expect: 2:1: INSERT is followed by INTO and a table
INSERT scores SELECT * FROM loudness;
