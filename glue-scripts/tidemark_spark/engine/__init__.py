"""Values and states from events: pure Arrow and numpy, no Spark and no AWS."""
