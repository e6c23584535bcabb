"""A plug-in of pytest that writes each result down when it is there (../results.mjs reads it).

The file's path is in the environment: TIDEMARK_RESULTS.
"""

import json
import os
from typing import Any

import pytest


class ResultsAsTheyCome:
    """One line a test once its tear-down is over, and one a file that could not be collected."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._reports: list[pytest.TestReport] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write({"file": report.nodeid, "tests": [], "broken": report.longreprtext})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._reports = []
        self._write({"file": nodeid, "started": True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        failed = [report for report in self._reports if report.failed]
        if failed:
            message = "\n".join(f"({report.when})\n{report.longreprtext}" for report in failed)
            test = {"name": nodeid, "outcome": "failed", "message": message}
        else:
            skipped = [report for report in self._reports if report.skipped]
            test = {"name": nodeid, "outcome": "skipped" if skipped else "passed"}
            if skipped and isinstance(skipped[0].longrepr, tuple):
                test["message"] = skipped[0].longrepr[2]
        took = round(1000 * sum(report.duration for report in self._reports))
        self._write({"file": nodeid, "tests": [test], "ms": took})

    def _write(self, record: dict[str, Any]) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Raises pytest.UsageError where nobody said where the results go."""
    path = os.environ.get("TIDEMARK_RESULTS")
    if not path:
        raise pytest.UsageError("TIDEMARK_RESULTS: found nothing; allowed: the path of a file.")
    config.pluginmanager.register(ResultsAsTheyCome(path), "tidemark-results-as-they-come")
