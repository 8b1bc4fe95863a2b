-- a comment; with a semicolon
/* and one
   over two lines; too */
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ( // the target
   a VARCHAR(8), -- its first column
   b VARCHAR(32) /* its second */
);
-- CREATE OR REPLACE STREAM "NOT_THIS" (x INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DESTINATION_SQL_STREAM" // into it
SELECT STREAM ticker_symbol /* , price */, '-- no comment; // nor this' FROM "SOURCE_SQL_STREAM_001";
/* the end */
