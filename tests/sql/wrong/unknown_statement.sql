-- expect: 2:1: unknown statement INSRET, did you mean INSERT?
INSRET INTO scores SELECT * FROM loudness;
