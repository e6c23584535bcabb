"""Glue job: time-travel/<request>/question.json → answer.json beside it: labels of entities at instants.

The question names the entities, so that neither an argument nor a log does.
Arguments: `labelsAt` in names/jobs.ts.
"""

import json

from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.objects import read_bytes, write_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.names import object_key
from tidemark_spark.spark.labels_at import find_labels
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("labels_at")
    spark = session(args["aws_region"])
    request = args["request"]
    question = json.loads(read_bytes(f"s3://{args['lake_bucket']}/{object_key('question', request=request)}"))
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    answer = find_labels(spark, Tables(args["database"]), use_case, question["entity_ids"], question["instants"])
    write_bytes(args["lake_bucket"], object_key("answer", request=request), json.dumps(answer).encode())
    print(json.dumps({"job": "labels_at", "asked": len(answer["labels"]), "waiting": answer["waiting"]}))


if __name__ == "__main__":
    main()
