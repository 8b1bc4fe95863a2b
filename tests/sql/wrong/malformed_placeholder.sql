-- expect: 2:34: a placeholder is ${name} or ${name:-default}, its name of letters, digits and _; $${ is a plain ${
INSERT INTO scores SELECT * FROM ${my table};
