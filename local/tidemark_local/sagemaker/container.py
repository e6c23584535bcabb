"""A training container's folders and environment, under a root of its own instead of /opt/ml.

Follows "How Amazon SageMaker AI Provides Training Information"
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html) and the
environment variables of the SageMaker Training Toolkit, which the XGBoost framework container uses in script mode
(https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md).
"""

import json
import os
from pathlib import Path
from typing import Any

HOST = "algo-1"


class TrainingRoot:
    """The folders of one training job; `root` stands for /opt/ml."""

    def __init__(self, root: Path):
        self.root = root
        self.input, self.config, self.data = root / "input", root / "input" / "config", root / "input" / "data"
        self.model, self.output, self.output_data = root / "model", root / "output", root / "output" / "data"
        self.code, self.failure = root / "code", root / "output" / "failure"
        self.intermediate, self.checkpoints = root / "output" / "intermediate", root / "checkpoints"
        for folder in (self.config, self.data, self.model, self.output_data, self.code, self.intermediate):
            folder.mkdir(parents=True, exist_ok=True)

    def local_path(self, container_path: str) -> Path:
        """Where a path under /opt/ml lies here."""
        return self.root / container_path.removeprefix("/opt/ml").lstrip("/")

    def write_config(self, job: dict) -> None:
        """hyperparameters.json, inputdataconfig.json and resourceconfig.json. Hyperparameters are strings there."""
        channels = {
            channel["ChannelName"]: {
                "TrainingInputMode": channel.get("InputMode", "File"),
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {}),
            }
            for channel in job.get("InputDataConfig", [])
        }
        for name, value in (
            ("hyperparameters.json", job.get("HyperParameters", {})),
            ("inputdataconfig.json", channels),
            ("resourceconfig.json", self._resources(job)),
        ):
            (self.config / name).write_text(json.dumps(value))

    def _resources(self, job: dict) -> dict:
        instance = job.get("ResourceConfig", {}).get("InstanceType", "ml.m5.large")
        return {
            "current_host": HOST,
            "current_instance_type": instance,
            "current_group_name": "homogeneousCluster",
            "hosts": [HOST],
            "instance_groups": [
                {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": [HOST]}
            ],
            "network_interface_name": "lo",
        }

    def environment(self, job: dict, program: str, hyperparameters: dict[str, Any]) -> dict[str, str]:
        """The SM_* variables; `hyperparameters` are the script's own, decoded from JSON where they are JSON."""
        resources = self._resources(job)
        channels = [channel["ChannelName"] for channel in job.get("InputDataConfig", [])]
        paths = {name: str(self.data / name) for name in channels}
        module = Path(program).stem
        framework = job["AlgorithmSpecification"].get("TrainingImage", "")
        training_env = {
            "channel_input_dirs": paths,
            "current_host": HOST,
            "hosts": [HOST],
            "hyperparameters": hyperparameters,
            "input_config_dir": str(self.config),
            "input_data_config": json.loads((self.config / "inputdataconfig.json").read_text()),
            "input_dir": str(self.input),
            "is_master": True,
            "job_name": job["TrainingJobName"],
            "log_level": 20,
            "master_hostname": HOST,
            "model_dir": str(self.model),
            "module_dir": str(self.code),
            "module_name": module,
            "network_interface_name": "lo",
            "num_cpus": os.cpu_count() or 1,
            "num_gpus": 0,
            "output_data_dir": str(self.output_data),
            "output_dir": str(self.output),
            "output_intermediate_dir": str(self.intermediate),
            "resource_config": resources,
            "user_entry_point": program,
        }
        values: dict[str, Any] = {
            "SM_HOSTS": [HOST],
            "SM_CURRENT_HOST": HOST,
            "SM_NETWORK_INTERFACE_NAME": "lo",
            "SM_NUM_GPUS": 0,
            "SM_NUM_CPUS": training_env["num_cpus"],
            "SM_LOG_LEVEL": 20,
            "SM_USER_ENTRY_POINT": program,
            "SM_MODULE_NAME": module,
            "SM_MODULE_DIR": str(self.code),
            "SM_FRAMEWORK_MODULE": f"{framework.rsplit('/', 1)[-1].split(':')[0] or 'framework'}.training:main",
            "SM_FRAMEWORK_PARAMS": {},
            "SM_INPUT_DIR": str(self.input),
            "SM_INPUT_CONFIG_DIR": str(self.config),
            "SM_INPUT_DATA_CONFIG": training_env["input_data_config"],
            "SM_OUTPUT_DIR": str(self.output),
            "SM_OUTPUT_DATA_DIR": str(self.output_data),
            "SM_OUTPUT_INTERMEDIATE_DIR": str(self.intermediate),
            "SM_MODEL_DIR": str(self.model),
            "SM_CHANNELS": channels,
            "SM_RESOURCE_CONFIG": resources,
            "SM_HPS": hyperparameters,
            "SM_USER_ARGS": arguments(hyperparameters),
            "SM_TRAINING_ENV": training_env,
            "TRAINING_JOB_NAME": job["TrainingJobName"],
            "TRAINING_JOB_ARN": job["TrainingJobArn"],
        }
        values |= {f"SM_CHANNEL_{name.upper()}": path for name, path in paths.items()}
        values |= {f"SM_HP_{name.upper()}": value for name, value in hyperparameters.items()}
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def own_hyperparameters(given: dict[str, str]) -> dict[str, Any]:
    """A script's hyperparameters without the container's own (`sagemaker_…`), decoded from JSON where they are JSON."""
    return {name: decoded(value) for name, value in given.items() if not name.startswith("sagemaker_")}


def decoded(value: str) -> Any:
    """The toolkit reads a hyperparameter as JSON, and as plain text when it is none."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def arguments(hyperparameters: dict[str, Any]) -> list[str]:
    """Hyperparameters as command line arguments in the order of their names: `--key value`, `-k value` for one
    letter.
    """
    found: list[str] = []
    for name in sorted(hyperparameters):
        value = hyperparameters[name]
        found += [f"-{name}" if len(name) == 1 else f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return found
