-- expect: 3:8: this name is never closed: a backquote (`) is missing
INSERT INTO scores
SELECT `device FROM loudness;
