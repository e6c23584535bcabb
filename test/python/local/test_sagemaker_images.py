"""How each of AWS's training images starts a script, and what is said where its library is not set up."""

import json
import sys
from pathlib import Path

import aws_facts
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.sagemaker.images import FOLDER, MissingLibraryError, image_of

REPOSITORIES = ("sagemaker-xgboost", "sagemaker-scikit-learn", "pytorch", "tensorflow-training")


def test_each_image_starts_a_script_as_its_toolkit_does(tmp_path):
    for library in ("sklearn", "pytorch", "tensorflow"):
        folder = tmp_path / FOLDER / library
        folder.mkdir(parents=True)
        (folder / "environment.json").write_text(json.dumps({"PYTHONPATH": library}))
    images = {name: image_of(f"1.dkr.ecr.eu-west-1.amazonaws.com/{name}:1", tmp_path) for name in REPOSITORIES}
    aws_facts.check("sagemaker-training.commands", {name: image.command("train.py") for name, image in images.items()})
    assert [images[name].environment for name in ("sagemaker-xgboost", "pytorch")] == [{}, {"PYTHONPATH": "pytorch"}]


def test_a_library_that_is_not_set_up_is_said_with_the_next_step(tmp_path):
    with pytest.raises(MissingLibraryError, match=r"has no tensorflow: set it up with npm run setup -- --frameworks"):
        image_of("tensorflow-training:2.21-cpu-py312-sagemaker", tmp_path)
