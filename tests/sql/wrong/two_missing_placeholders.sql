-- expect: 2:13: ${sink} has no value: give --set sink=... (and --set source=...)
INSERT INTO ${sink} SELECT * FROM ${source};
