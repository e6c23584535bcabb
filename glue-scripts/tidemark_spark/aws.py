"""Clients of AWS services, for the driver and for executors: the one place that makes them.

AWS Glue documents no region in the environment of executors, where boto3 then raises NoRegionError. So a job is told
its region (`--aws_region`), and `spark.session.prepare` puts it where boto3 looks, in both.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config


def region_environment(region: str) -> dict[str, str]:
    """The variables by which boto3 and Java's SDK find their region."""
    return {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def use_region(region: str) -> None:
    """For all clients that this process makes from now on."""
    os.environ.update(region_environment(region))


def client(service: str, **config: Any) -> Any:
    """A client with the job's own role. `config`: arguments of botocore's Config.

    Raises NoRegionError where nobody said the region (see `use_region`).
    """
    return boto3.client(service, config=Config(**config))
