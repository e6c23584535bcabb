"""Kinesis Data Streams: shards that are split and merged."""
