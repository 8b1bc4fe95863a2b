"""How data gets into Kafka."""
