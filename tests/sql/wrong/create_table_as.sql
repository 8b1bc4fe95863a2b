-- expect: 2:48: CREATE TABLE AS would run a job of its own, and a pipeline is one job: declare the columns and write INSERT INTO
CREATE TABLE copy WITH ('connector' = 'print') AS SELECT * FROM loudness;
