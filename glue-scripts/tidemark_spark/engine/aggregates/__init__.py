"""One file an aggregation; table.py lists them."""
