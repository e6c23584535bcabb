"""How a training image starts a script, and where its framework's library lies here.

XGBoost's container is sagemaker-containers: it makes a package of the sources and runs `python -m <module>`. Those of
scikit-learn, PyTorch and TensorFlow are sagemaker-training 4.8.0 and 5.1.1 (`entry_point.run` in each
`sagemaker_*_container/training.py`): they run `python <script>` and package nothing (`process.py`).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

_LIBRARIES = {"sagemaker-scikit-learn": "sklearn", "pytorch": "pytorch", "tensorflow-training": "tensorflow"}
FOLDER = Path(".cache", "frameworks")
"""Of the repository: a folder a framework, with environment.json (setup/frameworks.mjs)."""


class MissingLibraryError(Exception):
    """The image's library is not set up here."""


@dataclass(frozen=True)
class Image:
    """What of an image matters to a training job."""

    as_module: bool
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, program: str) -> list[str]:
        """What Python is given to run the script."""
        return ["-m", program.removesuffix(".py")] if self.as_module else [program]


def image_of(name: str, repo_root: Path) -> Image:
    """An image that is none of AWS's runs as XGBoost's. Raises MissingLibraryError with the next step."""
    library = _LIBRARIES.get(name.rsplit("/", 1)[-1].split(":")[0])
    if library is None:
        return Image(as_module=True)
    described = repo_root / FOLDER / library / "environment.json"
    if not described.is_file():
        raise MissingLibraryError(
            f"the local cloud has no {library}: set it up with npm run setup -- --frameworks, or train with xgboost."
        )
    return Image(as_module=False, environment=json.loads(described.read_text()))
