"""Tables and files of others, as rows to import."""
