"""Reading pipeline files: statements, calls of table functions, and errors at their place in the file.

How the pieces fit, with the planner's part left out:

>>> from jobs.sql.calls import read_calls, rewritten
>>> from jobs.sql.checks import InputColumn, check_call
>>> from jobs.sql.located import File
>>> from jobs.sql.source import fill
>>> from jobs.sql.statements import split
>>> text = '''
... CREATE TABLE loudness (device STRING, ts TIMESTAMP_LTZ(3), volume DOUBLE, WATERMARK FOR ts AS ts);
... INSERT INTO scores SELECT * FROM RANDOM_CUT_FOREST(
...     input => TABLE loudness PARTITION BY device, on_time => DESCRIPTOR(ts), trees => ${trees:-50}) AS s;
... '''
>>> script = split(fill(File("loudness.sql", text), {"trees": "20"}))      # or read_script(path, values)
>>> calls = read_calls(script)                                             # by statement, inner calls first
>>> views = {}
>>> for statement in script.statements:
...     for call in calls.get(statement, ()):
...         print(call.input.query(views).text)                            # ask the planner for its schema
...         schema = [InputColumn("device", "STRING"), InputColumn("ts", "TIMESTAMP_LTZ(3)", True),
...                   InputColumn("volume", "DOUBLE")]
...         checked = check_call(call, schema)
...         print(call.name, call.position, call.partition_by, checked.column_names, call.arguments["trees"])
...         views[call.name] = f"`scored {call.name}`"           # build the result, a view of it
...     if statement in calls:
...         print(rewritten(statement, calls[statement], views).text)      # give this to the planner
SELECT * FROM loudness
scores Position(line=3, column=34) ('device',) ('volume',) 20
INSERT INTO scores SELECT * FROM `scored scores` AS s

`LocatedText` carries the places: when the planner refuses a text, `flink_errors` turns its message into an
error at line and column of the file.
"""
