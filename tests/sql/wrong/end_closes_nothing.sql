-- expect: 3:1: END closes nothing: EXECUTE STATEMENT SET BEGIN is missing
INSERT INTO scores SELECT * FROM loudness;
END;
