"""Objects of the lake bucket, read and written by boto3 on the driver and inside executors.

Spark itself reads only Iceberg tables: their S3FileIO needs no Hadoop file system, which the raw objects would.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from tidemark_spark.aws import client


@dataclass(frozen=True)
class LakeObject:
    key: str
    modified_ms: int


def s3_client() -> Any:
    """A client with the job's own role."""
    return client("s3")


def list_objects(bucket: str, prefix: str, suffix: str, first: str | None = None) -> list[LakeObject]:
    """Objects below `prefix` whose keys end in `suffix`, by key; `first`: from the folder of that name on."""
    after = {} if first is None else {"StartAfter": f"{prefix}{first}"}
    pages = s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **after)
    found = [o for page in pages for o in page.get("Contents", []) if o["Key"].endswith(suffix)]
    return [
        LakeObject(o["Key"], int(o["LastModified"].timestamp() * 1000)) for o in sorted(found, key=lambda o: o["Key"])
    ]


def read_bytes(uri: str) -> bytes:
    """The object at s3://bucket/key."""
    parts = urlparse(uri)
    return s3_client().get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()


def read_lines(bucket: str, key: str) -> list[bytes]:
    """Lines of a gzipped object, without their ends; empty lines stay, so that line numbers hold."""
    lines = gzip.decompress(read_bytes(f"s3://{bucket}/{key}")).split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines


def write_bytes(bucket: str, key: str, body: bytes) -> None:
    s3_client().put_object(Bucket=bucket, Key=key, Body=body)
