"""What `cutbank report` shows: pages of figures, drawn from topics.

`page` is the frame of every report; each other module is one report.
"""
