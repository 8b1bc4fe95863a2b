"""Learners on recorded streams, beside river's in the same run."""
