"""What the demo of sources does around the app that only Python has a client for: a topic, and a table of a lake.

surroundings.py make | produce '{"key": …, "value": …}' | table '{row}'
"""

import io
import json
import os
import sys
import uuid

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

DATABASE, TABLE = "storefront", "subscriptions"
OLD = {"id": 0, "customer": "c-0", "currency": "eur", "updated_at": "2026-01-01T00:00:00.000Z"}


def make() -> None:
    """A bucket with a table in the Glue catalog, and a table of the database: each with a row of another customer."""
    boto3.client("s3").create_bucket(Bucket=os.environ["WAREHOUSE"])
    glue = boto3.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    add_to_table({**OLD, "price": "9.99"})
    columns = [{"Name": name, "Type": kind} for name, kind in _COLUMNS]
    serde = "org.apache.hadoop.hive.ql.io.parquet"
    glue.create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": TABLE,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet"},
            "StorageDescriptor": {
                "Columns": columns,
                "Location": f"s3://{os.environ['WAREHOUSE']}/{TABLE}/",
                "InputFormat": f"{serde}.MapredParquetInputFormat",
                "OutputFormat": f"{serde}.MapredParquetOutputFormat",
                "SerdeInfo": {"SerializationLibrary": f"{serde}.serde.ParquetHiveSerDe"},
            },
        },
    )


_TEXTS = ("customer", "currency", "updated_at", "price")
_COLUMNS = [("id", "bigint"), *((name, "string") for name in _TEXTS)]


def add_to_table(row: dict) -> None:
    """A file of one row."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), file)
    key = f"{TABLE}/{uuid.uuid4()}.parquet"
    boto3.client("s3").put_object(Bucket=os.environ["WAREHOUSE"], Key=key, Body=file.getvalue())


def produce(record: dict) -> None:
    """One record of the topic, known to be there when this returns."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=os.environ["BOOTSTRAP"])
    producer.send(os.environ["TOPIC"], key=record["key"].encode(), value=record["value"].encode()).get(timeout=30)
    producer.close()


def main() -> None:
    verb, *rest = sys.argv[1:]
    if verb == "make":
        make()
    elif verb == "produce":
        produce(json.loads(rest[0]))
    elif verb == "table":
        add_to_table(json.loads(rest[0]))
    else:
        raise SystemExit(f"found {verb}; allowed: make, produce, table")


if __name__ == "__main__":
    main()
