-- expect: 2:20: this comment is never closed: */ is missing
INSERT INTO scores /* all of them
SELECT * FROM loudness;
