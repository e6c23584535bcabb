"""The Spark side of Tidemark: pure transforms that the Glue jobs beside this package call."""
