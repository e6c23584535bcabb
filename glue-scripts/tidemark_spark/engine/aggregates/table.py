"""Every aggregation there is, by its op in the IR: the twin of core/aggregates/table.ts."""

from .aggregation import Aggregation
from .count import COUNT
from .count_distinct import COUNT_DISTINCT
from .ends import FIRST, LAST
from .extreme_k import BOTTOM_K, TOP_K
from .extremes import MAX, MIN
from .first_k import FIRST_K
from .histogram import HISTOGRAM
from .last_k import LAST_K
from .mean import MEAN
from .quantile import QUANTILE
from .stddev import STDDEV, STDDEV_SAMPLE
from .sum import SUM
from .times import TIME_SINCE_FIRST, TIME_SINCE_LAST
from .variance import VARIANCE

AGGREGATIONS: dict[str, Aggregation] = {
    "count": COUNT,
    "sum": SUM,
    "mean": MEAN,
    "min": MIN,
    "max": MAX,
    "variance": VARIANCE,
    "stddev": STDDEV,
    "stddev_sample": STDDEV_SAMPLE,
    "quantile": QUANTILE,
    "first": FIRST,
    "last": LAST,
    "first_k": FIRST_K,
    "last_k": LAST_K,
    "top_k": TOP_K,
    "bottom_k": BOTTOM_K,
    "count_distinct": COUNT_DISTINCT,
    "histogram": HISTOGRAM,
    "time_since_last": TIME_SINCE_LAST,
    "time_since_first": TIME_SINCE_FIRST,
}


def aggregation(op: str) -> Aggregation:
    """Raises ValueError for one that this engine doesn't know."""
    if op not in AGGREGATIONS:
        raise ValueError(f"op {op!r} is unknown to this engine. Deploy from one commit.")
    return AGGREGATIONS[op]
