"""How an experiment is judged: numpy alone, without Spark, AWS or a clock."""
