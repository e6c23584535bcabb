"""The Spark side of Tidemark, which the Glue jobs beside it call: `engine` is pure, the other wings call it."""
