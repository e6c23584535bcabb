"""What comes of a source's rows: events, or why they are none; the twin of core/intake for what Spark reads."""
