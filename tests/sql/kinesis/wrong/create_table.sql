-- expect: 2:8: CREATE TABLE is not part of Kinesis Data Analytics: a reference table is declared in sources.toml
CREATE TABLE t (a INTEGER);
