"""From a pipeline file to a job graph: what each source and each call becomes.

`crossing` says how a column of each SQL type crosses to Python and back, `source` what a source table becomes, `call`
what a call becomes (both as SQL text, without Flink at hand), `graph` puts them together with Flink.
"""
