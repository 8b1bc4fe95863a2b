"""The forest beside its peers: speed and size in one run, accuracy on labelled streams."""
