-- expect: 2:20: INTERVAL exists in expressions only, not as the type of a column
CREATE STREAM s (a INTERVAL);
