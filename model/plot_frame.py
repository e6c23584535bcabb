"""SVG drawings without a plotting library: the training images of the frameworks have none in common.

A drawing is 360 wide, so that its texts are readable on a phone, and follows the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH = 360
LEFT, RIGHT, TOP, BOTTOM = 46, 22, 50, 38
STYLE = """
  .page { fill: #ffffff } text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1d2733 }
  .title { font-size: 14px; font-weight: 600 } .soft { fill: #55606c; font-size: 11px } .end { text-anchor: end }
  .middle { text-anchor: middle } .grid { stroke: #e1e5ea } .axis { stroke: #87929d }
  .guide { stroke: #87929d; stroke-dasharray: 4 3; fill: none } .first { fill: #17609e } .second { fill: #b8690a }
  .line { fill: none; stroke: #17609e; stroke-width: 2 } .other { fill: none; stroke: #b8690a; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #182129 } text { fill: #e6ebf0 } .soft { fill: #a5b1bc } .grid { stroke: #2c3742 }
    .axis, .guide { stroke: #6d7b88 } .first { fill: #5aa9e6 } .second { fill: #f0a94b }
    .line { stroke: #5aa9e6 } .other { stroke: #f0a94b }
  }
"""
Point = tuple[float, float]


@dataclass
class Frame:
    """Axes from `x` to `y` ranges, on which things are drawn in units of the data."""

    title: str
    described: str
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    height: int = 260
    left: int = LEFT
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """Where a point of the data is drawn."""
        width, tall = WIDTH - self.left - RIGHT, self.height - TOP - BOTTOM
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * width, self.height - BOTTOM - up * tall

    def axes(self, label_x: str, label_y: str, ticks_x: Iterable[Tick], ticks_y: Iterable[Tick]) -> None:
        for value, text in ticks_y:
            left, y = self.at(self.x[0], value)
            self.parts.append(f'<path class="grid" d="M{left:.1f} {y:.1f} H{WIDTH - RIGHT}"/>')
            self.text(left - 6, y + 4, text, "soft end")
        floor = self.height - BOTTOM
        self.parts.append(f'<path class="axis" d="M{self.left} {floor} H{WIDTH - RIGHT}"/>')
        for value, text in ticks_x:
            self.text(self.at(value, self.y[0])[0], floor + 15, text, "soft middle")
        self.text((self.left + WIDTH - RIGHT) / 2, self.height - 7, label_x, "soft middle")
        self.text(12, 38, label_y, "soft")

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')

    def line(self, points: Sequence[Point], kind: str) -> None:
        drawn = " L".join(f"{x:.1f} {y:.1f}" for x, y in (self.at(*point) for point in points))
        self.parts.append(f'<path class="{kind}" d="M{drawn}"/>')

    def dots(self, points: Iterable[Point], kind: str, radius: float = 3.5) -> None:
        for x, y in (self.at(*point) for point in points):
            self.parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>')

    def bar(self, left: float, right: float, low: float, high: float, kind: str) -> None:
        """From corner to corner, in units of the data."""
        (a, bottom), (b, top) = self.at(left, low), self.at(right, high)
        self.parts.append(
            f'<rect class="{kind}" x="{a:.1f}" y="{top:.1f}" width="{max(b - a, 0.5):.1f}" '
            f'height="{max(bottom - top, 0):.1f}"/>'
        )

    def legend(self, names: Sequence[tuple[str, str]]) -> None:
        """Class and words of each, from the right end of the second line."""
        x = WIDTH - RIGHT
        for kind, words in reversed(names):
            x -= 6 * len(words)
            self.text(x, 38, words, "soft")
            x -= 8
            self.parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="34" r="4"/>')
            x -= 14

    def svg(self) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH * 3 // 2}" '
            f'role="img" aria-label="{escape(self.described)}">\n<style>{STYLE}</style>\n'
        )
        page = f'<rect class="page" width="{WIDTH}" height="{self.height}" rx="6"/>'
        title = f'<text class="title" x="12" y="20">{escape(self.title)}</text>'
        return head + "\n".join([page, title, *self.parts]) + "\n</svg>\n"


Tick = tuple[float, str]


def percents(values: Iterable[float]) -> list[Tick]:
    return [(value, f"{100 * value:.0f} %") for value in values]


QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
