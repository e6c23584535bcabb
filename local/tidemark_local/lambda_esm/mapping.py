"""One mapping with its reading position; kept while it exists, also when it is disabled."""

from collections.abc import Callable
from typing import Any

from .kafka import KafkaSource
from .sources import source_for
from .stream import StreamProcessor


class Mapping:
    """What the poller knows of a mapping beside the emulator's record."""

    def __init__(self, uuid: str, source: Any):
        self.uuid, self.source = uuid, source
        self.processor: StreamProcessor | None = None
        self.identity: Any = None
        self.next_read = 0.0
        self.allowed_role: str | None = None  # the role whose right to read has been seen
        self.checking = False
        self.check_at = 0.0
        self.may_decrypt = True

    @property
    def is_kafka(self) -> bool:
        return isinstance(self.source, KafkaSource)

    def close(self) -> None:
        if isinstance(self.source, KafkaSource):
            self.source.close()


def mapping_of(esm: dict[str, Any], wake: Callable[[], None]) -> Mapping | None:
    """None for a mapping that stays with the emulator, such as that of a queue."""
    if esm.get("Topics"):
        return Mapping(esm["UUID"], KafkaSource(esm, wake))
    source = source_for(esm.get("EventSourceArn", ""))
    return source and Mapping(esm["UUID"], source)
