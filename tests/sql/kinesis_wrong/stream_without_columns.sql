-- expect: 2:18: expected the name of a column of stream S, got )
CREATE STREAM s ();
