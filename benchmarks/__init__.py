"""Measurements: speed, accuracy and size, with fixed seeds and the peers in the same run. `make bench` calls this."""
