-- expect: 2:1: nothing receives the rows of this query: write INSERT INTO table before it, or CREATE VIEW name AS
WITH a AS (SELECT 1) SELECT * FROM a;
