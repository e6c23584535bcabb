"""A real Kafka broker beside the local cloud, for what reads topics."""
