-- expect: 2:33: this parenthesis closes nothing: ( is missing
INSERT INTO scores SELECT device) FROM loudness;
