-- expect: 2:1: this statement set is never closed: END; is missing
EXECUTE STATEMENT SET BEGIN
INSERT INTO scores SELECT * FROM loudness;
