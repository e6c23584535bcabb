import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Values
from tidemark_spark.engine.aggregates.sum import SUMMED, running
from tidemark_spark.engine.frame import Windows


def _values(windows: Windows) -> Values:
    total, exact = running(windows.chosen).within(windows.start, windows.end)
    n = np.maximum(windows.end - windows.start, 1)
    return total.astype(np.float64) / n.astype(np.float64), windows.some & exact


MEAN = Aggregation(SUMMED, _values)
