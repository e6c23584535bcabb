"""What a job counted, as CloudWatch metrics."""

import json

from tidemark_spark import aws


def publish(names: str, values: dict[str, float]) -> None:
    """`names`: the job's `--metrics`, JSON of namespace, dimensions (name → value), names (key of `values` → metric).

    By the API, as nothing says how Glue cuts a job's output into log events: of the embedded metric format CloudWatch
    reads whole events only. Raises botocore's ClientError when CloudWatch refuses them, KeyError for a value without a
    name.
    """
    said = json.loads(names)
    dimensions = [{"Name": name, "Value": value} for name, value in said["dimensions"].items()]
    data = [
        {"MetricName": said["names"][key], "Value": value, "Unit": "Count", "Dimensions": dimensions}
        for key, value in values.items()
    ]
    aws.client("cloudwatch").put_metric_data(Namespace=said["namespace"], MetricData=data)
