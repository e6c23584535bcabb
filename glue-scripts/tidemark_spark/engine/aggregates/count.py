from ...codec import varint
from .aggregation import Aggregation, PartialType

COUNT = Aggregation(
    partial=PartialType("count", lambda cut: [varint(n) for n in (cut.end - cut.begin).tolist()]),
    values=lambda windows: (windows.end - windows.start, windows.all),
)
