"""Event source mappings of streams: what is read, batched, retried, split and discarded, as AWS Lambda documents it."""
