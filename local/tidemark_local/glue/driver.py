"""Runs a Glue job's script in a driver of its own: `python driver.py <script> <arguments>`.

When the script has ended Spark is stopped. Scripts need not do that on Glue, where the machines go; here Spark's
executors would be killed one after the other, and be started again as long as the driver's JVM lives.
"""

import atexit
import contextlib
import sys
from pathlib import Path
from types import ModuleType


def _stop_spark() -> None:
    pyspark = sys.modules.get("pyspark")
    context = pyspark.SparkContext._active_spark_context if pyspark else None
    # What the script ended with is said already; a JVM that is gone has nothing to stop.
    with contextlib.suppress(Exception):
        if context is not None:
            context.stop()


def main(script: Path) -> None:
    """Runs the script as `__main__`, with nothing of ours in its names."""
    atexit.register(_stop_spark)
    module = ModuleType("__main__")
    module.__file__ = str(script)
    sys.modules["__main__"] = module
    sys.path[0] = str(script.parent)
    exec(compile(script.read_bytes(), str(script), "exec"), module.__dict__)


if __name__ == "__main__":
    del sys.argv[0]
    main(Path(sys.argv[0]))
