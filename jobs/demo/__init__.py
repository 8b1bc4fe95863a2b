"""The demonstration: feeds, pipelines and a live view, from nothing to a summary that adds up.

Read in this order: `pipelines` (what is shown), `course` (what happens, step by step; `titles` names the steps), `live`
(what is measured meanwhile; `attribution` says whose rows they are that carry no time), `screen` (how it looks),
`counting` and `findings` (the summary, counted from the topics), `summary` (how that is told). The other systems'
demonstrations share `watched` (their run) and `view` (their frame).
"""
