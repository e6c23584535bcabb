from tidemark_spark.engine.aggregates.aggregation import Aggregation, PartialType
from tidemark_spark.engine.state.codec import varint

COUNT = Aggregation(
    partial=PartialType("count", lambda cut: [varint(n) for n in (cut.end - cut.begin).tolist()]),
    values=lambda windows: (windows.end - windows.start, windows.all),
)
