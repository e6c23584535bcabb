"""stddev and stddev_sample: the root of one division of exact integers, both rounded right."""

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Values
from tidemark_spark.engine.aggregates.variance import MOMENTS, moments, quotient
from tidemark_spark.engine.frame import Windows


def _population(windows: Windows) -> Values:
    (n, *sums), exact = moments(windows)
    return np.sqrt(quotient(n, *sums, divisor=n)), exact


def _sample(windows: Windows) -> Values:
    (n, *sums), exact = moments(windows)
    return np.sqrt(quotient(n, *sums, divisor=np.maximum(n - 1, 1))), exact & (n > 1)


STDDEV = Aggregation(MOMENTS, _population)
STDDEV_SAMPLE = Aggregation(MOMENTS, _sample)
