-- expect: 3:39: this text is never closed: a single quote (') is missing
INSERT INTO scores
SELECT * FROM loudness WHERE device = 'hall;
