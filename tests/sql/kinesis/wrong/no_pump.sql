-- expect: 2:77: there is no CREATE PUMP: nothing would run
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);

