"""Every aggregation there is, by its op in the IR: the twin of core/aggregates/table.ts."""

from tidemark_spark.engine.aggregates.aggregation import Aggregation, PartialType
from tidemark_spark.engine.aggregates.count import COUNT
from tidemark_spark.engine.aggregates.count_distinct import COUNT_DISTINCT
from tidemark_spark.engine.aggregates.ends import FIRST, LAST
from tidemark_spark.engine.aggregates.extreme_k import BOTTOM_K, TOP_K
from tidemark_spark.engine.aggregates.extremes import MAX, MIN
from tidemark_spark.engine.aggregates.first_k import FIRST_K
from tidemark_spark.engine.aggregates.histogram import HISTOGRAM
from tidemark_spark.engine.aggregates.last_k import LAST_K
from tidemark_spark.engine.aggregates.mean import MEAN
from tidemark_spark.engine.aggregates.quantile import QUANTILE
from tidemark_spark.engine.aggregates.stddev import STDDEV, STDDEV_SAMPLE
from tidemark_spark.engine.aggregates.sum import SUM
from tidemark_spark.engine.aggregates.times import TIME_SINCE_FIRST, TIME_SINCE_LAST
from tidemark_spark.engine.aggregates.variance import VARIANCE

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


_PARTIALS = {one.partial.kind: one.partial for one in AGGREGATIONS.values()}


def partial_type(kind: str) -> PartialType:
    """What a tile keeps, by its kind in a plan. Raises ValueError for one that this engine doesn't know."""
    if kind not in _PARTIALS:
        raise ValueError(f"kind {kind!r} is unknown to this engine. Deploy from one commit.")
    return _PARTIALS[kind]
