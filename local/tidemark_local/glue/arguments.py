"""A Glue job's arguments: which are Glue's own, and what Spark and the script get of them.

"Using job parameters in AWS Glue jobs"
(https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# "AWS Glue uses the following arguments internally and you should never use them".
_INTERNAL = ("--debug", "--mode", "--JOB_NAME", "--endpoint")
# "Job arguments have a maximum size limit of 260KB. A validation check will raise an error if the argument size is
# greater than 260KB."
_MAX_BYTES = 260 * 1024
# Parameters that Glue consumes: the script does not see them.
_CONSUMED = {
    "--additional-python-modules",
    "--class",
    "--conf",
    "--custom-logGroup-prefix",
    "--custom-logStream-prefix",
    "--customer-driver-env-vars",
    "--customer-executor-env-vars",
    "--datalake-formats",
    "--disable-proxy-v2",
    "--enable-auto-scaling",
    "--enable-continuous-cloudwatch-log",
    "--enable-continuous-log-filter",
    "--enable-glue-datacatalog",
    "--enable-job-insights",
    "--enable-metrics",
    "--enable-observability-metrics",
    "--enable-rename-algorithm-v2",
    "--enable-s3-parquet-optimized-committer",
    "--enable-spark-ui",
    "--continuous-log-conversionPattern",
    "--continuous-log-logGroup",
    "--continuous-log-logStreamPrefix",
    "--executor-cores",
    "--extra-files",
    "--extra-jars",
    "--extra-py-files",
    "--job-language",
    "--python-modules-installer-option",
    "--spark-event-logs-path",
    "--user-jars-first",
    "--use-postgres-driver",
    "--write-shuffle-files-to-s3",
    "--write-shuffle-spills-to-s3",
}

Arguments = Mapping[str, str | None]


@dataclass
class JobArguments:
    """Resolved arguments of one run. `script` is the script's command line; the other members are Glue's own
    parameters.
    """

    script: list[str]
    conf: dict[str, str]
    python_files: list[str]
    iceberg: bool
    environment: dict[str, str] = field(default_factory=dict)
    executor_environment: dict[str, str] = field(default_factory=dict)
    log_prefix: str = "/aws-glue/jobs"
    ignored: list[str] = field(default_factory=list)


def resolve(defaults: Arguments, given: Arguments, fixed: Arguments, name: str, run: str) -> JobArguments:
    """Merges DefaultArguments, the run's Arguments and NonOverridableArguments, the later ones winning.

    `--JOB_NAME` and `--JOB_RUN_ID` are added, as Glue does for Spark jobs. A value is text or null (a flag without
    value). Raises ValueError, which names the argument, for what Glue keeps for itself and for more than it takes.
    """
    check(defaults, given, fixed)
    merged = {**defaults, "--JOB_NAME": name, "--JOB_RUN_ID": run, **given, **fixed}
    script: list[str] = []
    for key, value in merged.items():
        if key not in _CONSUMED:
            script += [key] if value is None else [key, str(value)]
    formats = {item.strip() for item in (merged.get("--datalake-formats") or "").split(",") if item.strip()}
    ignored = [f"--datalake-formats {item}" for item in sorted(formats - {"iceberg"})]
    ignored += [key for key in ("--additional-python-modules", "--extra-jars", "--extra-files") if merged.get(key)]
    return JobArguments(
        script=script,
        conf=parse_conf(merged.get("--conf") or ""),
        python_files=[item.strip() for item in (merged.get("--extra-py-files") or "").split(",") if item.strip()],
        iceberg="iceberg" in formats,
        environment=_variables(merged.get("--customer-driver-env-vars") or ""),
        executor_environment=_variables(merged.get("--customer-executor-env-vars") or ""),
        log_prefix=(merged.get("--custom-logGroup-prefix") or "/aws-glue/jobs").rstrip("/"),
        ignored=ignored,
    )


def check(*arguments: Arguments) -> None:
    """Raises ValueError for arguments that Glue keeps for itself, and for too many bytes of names and values."""
    for name in _INTERNAL:
        if any(name in some for some in arguments):
            raise ValueError(f"{name} is internal to AWS Glue: choose another name")
    size = sum(len(f"{name}{value or ''}".encode()) for some in arguments for name, value in some.items())
    if size > _MAX_BYTES:
        raise ValueError(f"the arguments have {size} bytes: at most {_MAX_BYTES} are allowed")


def parse_conf(text: str) -> dict[str, str]:
    """`--conf` holds several settings as `a=b --conf c=d`."""
    found: dict[str, str] = {}
    for item in re.split(r"\s+--conf\s+", text.strip()):
        if item:
            key, equals, value = item.strip().partition("=")
            if not equals:
                raise ValueError(f"--conf has '{key}' without a value: write key=value --conf key=value")
            found[key.strip()] = value.strip()
    return found


def _variables(text: str) -> dict[str, str]:
    """`--customer-driver-env-vars` holds `CUSTOMER_KEY1=VAL1,CUSTOMER_KEY2="val2,val2 val2"`.

    "Each key must have the CUSTOMER_ prefix": another "will be ignored and not set".
    """
    pairs = re.findall(r'(?:^|,)(\w+)=("[^"]*"|[^,]*)', text)
    return {key: value.strip('"') for key, value in pairs if key.startswith("CUSTOMER_")}
