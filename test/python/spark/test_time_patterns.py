"""Times by a pattern, as TypeScript reads them: test/core/intake/rows.test.ts has the same cases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typescript import ROOT

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.values.decimals import ParseError
from tidemark_spark.engine.values.local_times import LocalClock
from tidemark_spark.engine.values.time_patterns import time_reader

# As a body is read: numbers by JavaScript's rules.
SHARED = wire_json.parse((ROOT / "test" / "conformance" / "intake" / "times.json").read_text())


@pytest.mark.parametrize("case", SHARED["cases"], ids=lambda case: f"{case['pattern']} {case['value']!r}")
def test_a_time_is_read_as_typescript_reads_it(case: dict[str, object]) -> None:
    """`expect`: ISO 8601, null where the value is refused."""
    read = time_reader(str(case["pattern"]), LocalClock(SHARED["time_zone"]))
    if case["expect"] is None:
        with pytest.raises(ParseError, match="found"):
            read(case["value"])
        return
    ms = read(case["value"])
    expected = datetime.fromisoformat(str(case["expect"]).replace("Z", "+00:00"))
    since = expected - datetime(1970, 1, 1, tzinfo=UTC)
    assert ms == since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
