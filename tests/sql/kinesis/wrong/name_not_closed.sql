-- expect: 4:15: this name is never closed: a double quote (") is missing
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (a VARCHAR(8), b INTEGER);
CREATE OR REPLACE PUMP p AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "ticker_symbol, 1 FROM S;
