"""stddev and stddev_sample: the root of one division of exact integers, both rounded right."""

import numpy as np

from ..frame import Windows
from .aggregation import Aggregation, Values
from .variance import MOMENTS, moments, quotient


def _population(windows: Windows) -> Values:
    (n, *sums), exact = moments(windows)
    return np.sqrt(quotient(n, *sums, divisor=n)), exact


def _sample(windows: Windows) -> Values:
    (n, *sums), exact = moments(windows)
    return np.sqrt(quotient(n, *sums, divisor=np.maximum(n - 1, 1))), exact & (n > 1)


STDDEV = Aggregation(MOMENTS, _population)
STDDEV_SAMPLE = Aggregation(MOMENTS, _sample)
