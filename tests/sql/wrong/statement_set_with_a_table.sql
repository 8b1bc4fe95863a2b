-- expect: 4:1: a statement set holds INSERT INTO statements only; close it with END; before this
EXECUTE STATEMENT SET BEGIN
INSERT INTO scores SELECT * FROM loudness;
CREATE TABLE a (b INT) WITH ('connector' = 'print');
END;
