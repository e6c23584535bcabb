"""The Iceberg tables and the objects of the lake."""
