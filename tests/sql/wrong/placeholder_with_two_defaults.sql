-- expect: 2:35: ${a} has two defaults, 'x' and 'y': keep one
INSERT INTO ${a:-x} SELECT * FROM ${a:-y};
