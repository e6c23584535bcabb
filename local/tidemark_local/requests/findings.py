"""What a check of a request finds: the constraints that values break, in AWS's words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Path to a value: None for the request, else (path of the parent, the segment). Text is made of it only when needed.
Path = Any
Check = Callable[[Any, Path, "Findings"], None]


class WrongType(Exception):
    """A value of a type that the member can't have: the request can't be read at all (SerializationException)."""

    def __init__(self, message: str, path: "Path" = None):
        super().__init__(message)
        self.path = path


@dataclass
class Violation:
    """One constraint that a value breaks."""

    path: Path
    kind: str
    """`null`, `enum`, `length`, `range` or `pattern`."""
    rule: str
    """What the member must do, e.g. `not be null`."""
    value: Any = None

    def where(self) -> str:
        return dotted(self.path)

    def text(self) -> str:
        shown = "null" if self.kind == "null" else f"'{self.value}'"
        return f"Value {shown} at '{self.where()}' failed to satisfy constraint: {self.rule}"


@dataclass
class Findings:
    """What a check of one request has found; `members` counts the values that were looked at."""

    members: int = 0
    violations: list[Violation] = field(default_factory=list)

    def text(self) -> str:
        """AWS's message."""
        count = len(self.violations)
        return f"{count} validation error{'s'[: count > 1]} detected: " + "; ".join(
            violation.text() for violation in self.violations
        )


def dotted(path: Path) -> str:
    """A path as AWS writes it, e.g. `records.1.member.data`."""
    segments = []
    while path is not None:
        path, segment = path
        segments.append(segment)
    return ".".join(reversed(segments))
