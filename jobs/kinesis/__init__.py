"""Kinesis Data Analytics SQL on Flink: an application's text becomes a pipeline file.

`tokens` and `parse_*` read the text into the `tree`; `queries`, `expressions` and what they use write Flink SQL from
it; `application` puts the statements in order, `outside` and `reading` are its edges, `sources` says what Kafka holds.
"""
