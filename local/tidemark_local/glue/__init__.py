"""Glue: runs of Spark jobs on the local Spark, as Glue 5.1 runs them."""
