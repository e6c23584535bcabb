import numpy as np

from ..frame import Windows
from .aggregation import Aggregation, Values
from .sum import SUMMED, running


def _values(windows: Windows) -> Values:
    total, exact = running(windows.chosen).within(windows.start, windows.end)
    n = np.maximum(windows.end - windows.start, 1)
    return total.astype(np.float64) / n.astype(np.float64), windows.some & exact


MEAN = Aggregation(SUMMED, _values)
