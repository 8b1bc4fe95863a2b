-- expect: 5:132: RANDOM_CUT_FOREST: a forest of 1000 trees with sample_size 8000 over 30 columns x shingle_size 1 needs 3,408,576,320 bytes, more than the limit of 2,147,483,648: lower one of them
CREATE TABLE metrics (host STRING, ts TIMESTAMP_LTZ(3), c0 DOUBLE, c1 DOUBLE, c2 DOUBLE, c3 DOUBLE, c4 DOUBLE, c5 DOUBLE, c6 DOUBLE, c7 DOUBLE, c8 DOUBLE, c9 DOUBLE, c10 DOUBLE, c11 DOUBLE, c12 DOUBLE, c13 DOUBLE, c14 DOUBLE, c15 DOUBLE, c16 DOUBLE, c17 DOUBLE, c18 DOUBLE, c19 DOUBLE, c20 DOUBLE, c21 DOUBLE, c22 DOUBLE, c23 DOUBLE, c24 DOUBLE, c25 DOUBLE, c26 DOUBLE, c27 DOUBLE, c28 DOUBLE, c29 DOUBLE, WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka');
INSERT INTO scores
SELECT * FROM RANDOM_CUT_FOREST(input => TABLE metrics PARTITION BY host, on_time => DESCRIPTOR(ts), trees => 1000, sample_size => 8000);
