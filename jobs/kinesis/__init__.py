"""Kinesis Data Analytics SQL on Flink: an application's text becomes a pipeline file.

`tokens` and `parse_*` read the text into the `tree`, `translate` resolves names and types and writes Flink SQL,
`application` puts the statements in order, `sources` says what Kafka holds.
"""
