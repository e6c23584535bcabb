"""Flink SQL: the JSON source of a file of newline-delimited events into the blackhole sink, one task.

    python flink_json_source.py FILE EVENTS ROUNDS

Reads, parses and discards: no contract, no dedupe, no state. Prints {"name": events a second, ...} as its last line.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

# In an environment of its own.
from pyflink.table import EnvironmentSettings, TableEnvironment  # pyright: ignore[reportMissingImports]

SOURCE = """
CREATE TABLE source (
  event_id STRING, entity_id STRING, event_type STRING, event_time STRING, source STRING, schema_version INT,
  properties ROW<amount STRING, items INT, channel STRING>
) WITH ('connector' = 'filesystem', 'path' = 'file://{path}', 'format' = 'json')
"""
SINK = "CREATE TABLE sink WITH ('connector' = 'blackhole') LIKE source (EXCLUDING ALL)"


def main() -> None:
    path, events, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    tables = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
    tables.get_config().set("parallelism.default", "1")
    tables.execute_sql(SOURCE.format(path=path))
    tables.execute_sql(SINK)
    seconds = []
    for done in range(rounds + 1):
        print(f"Flink: {'warm-up' if done == 0 else f'round {done} of {rounds}'}", file=sys.stderr, flush=True)
        start = time.perf_counter()
        tables.execute_sql("INSERT INTO sink SELECT * FROM source").wait()
        if done > 0:
            seconds.append(time.perf_counter() - start)
    rate = events / statistics.median(seconds)
    print(json.dumps({"Flink SQL 1.20, JSON source to blackhole": rate}))


if __name__ == "__main__":
    main()
