"""What both languages call alike: the attributes of an item with a state, and the package as Glue has it, in a zip."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from typescript import ROOT, unreadable

from tidemark_spark.engine.state.states import State
from tidemark_spark.names import FEATURES_KEYS, LIMIT, STATE_ATTRIBUTES
from tidemark_spark.online.states import item_of

POSITIONS = {"shardId-0": "7"}


def test_an_item_of_a_state_has_the_attributes_that_the_processor_knows() -> None:
    item = item_of(State("a", b"\x03", 1, 2, POSITIONS, 9), "v@1", POSITIONS, 4)
    assert item.keys() - STATE_ATTRIBUTES == {FEATURES_KEYS["partition"], FEATURES_KEYS["sort"]}


def test_the_names_are_found_in_a_zip(tmp_path: Path) -> None:
    archive, shared = tmp_path / "shared.zip", ROOT / "glue-scripts" / "tidemark_spark"
    with zipfile.ZipFile(archive, "w") as package:
        for name in ("__init__.py", "names.py", "names.json"):
            package.write(shared / name, f"tidemark_spark/{name}")
    command = "import json, tidemark_spark.names as names; print(json.dumps([names.__file__, names.LIMIT]))"
    done = subprocess.run(
        [sys.executable, "-c", command], env={"PYTHONPATH": str(archive)}, capture_output=True, check=True, cwd=tmp_path
    )
    assert json.loads(done.stdout) == [f"{archive}/tidemark_spark/names.py", LIMIT]


def test_a_report_that_the_command_line_could_not_read_is_found() -> None:
    assert unreadable("eraseEntity", {"tombstones": 1, "taken": {"events": 2}, "left": {}}) == []
    assert len(unreadable("eraseEntity", {"tombstones": 1, "taken": {"events": "2"}})) == 2
