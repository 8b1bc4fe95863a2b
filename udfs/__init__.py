"""What runs on the Flink workers: the pack host and the table functions it hosts."""
