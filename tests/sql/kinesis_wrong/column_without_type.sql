-- expect: 2:19: expected a type such as VARCHAR(16), INTEGER, DOUBLE or TIMESTAMP, got ,
CREATE STREAM s (a, b INTEGER);
