"""Objects of archive/ on their way into the tables, and what is known of those that lack."""
