"""What a Spark session does with the engine: whole entities brought together, joined, written and compared."""
