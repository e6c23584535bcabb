"""What real AWS answers, from test/conformance/aws.json: the tests of the plug-ins take their values from there.

An entry `{id, given, answer, source, recorded}` is followed. One with `ours` and `reason` is knowingly not: `check`
then wants `ours`, and fails with a hint when the local cloud has come to answer as AWS does.
"""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "conformance" / "aws.json"
_FACTS: dict[str, dict[str, Any]] = {entry["id"]: entry for entry in json.loads(FILE.read_text())}


def answer(fact: str) -> Any:
    """AWS's answer. Raises KeyError for an unknown id."""
    return _FACTS[fact]["answer"]


def check(fact: str, observed: Any) -> None:
    """Asserts that the local cloud answers as AWS does, or as the entry says that it does instead."""
    entry = _FACTS[fact]
    if "ours" not in entry:
        assert observed == entry["answer"], f"{fact} ({entry['source']})"
        return
    assert observed != entry["answer"], f"{fact}: the local cloud now answers as AWS does; remove ours and reason"
    assert observed == entry["ours"], f"{fact}: known to differ, but in another way"
