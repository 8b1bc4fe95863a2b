-- expect: 2:20: VARCHAR: the length must be in 1..65534, got 65535
CREATE STREAM s (a VARCHAR(65535));
