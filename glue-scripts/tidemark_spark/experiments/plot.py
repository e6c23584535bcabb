"""The path of an experiment's interval as an SVG that one looks at, in light and in dark, on a phone too."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 320, 84, 16, 44, 40
_STYLE = """
svg { background: var(--paper); --paper: #fff; --ink: #1c2733; --soft: #5b6b7b; --line: #d7dee6; --mark: #2563a8 }
@media (prefers-color-scheme: dark) {
  svg { --paper: #12181f; --ink: #e6edf3; --soft: #9fb0c0; --line: #2c3846; --mark: #6cb1ff }
}
text { font: 14px system-ui, sans-serif; fill: var(--soft) }
.title { font-size: 16px; font-weight: 600; fill: var(--ink) }
.grid { stroke: var(--line); stroke-width: 1 }
.zero { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 4 }
.band { fill: var(--mark); opacity: 0.2 }
.path { fill: none; stroke: var(--mark); stroke-width: 2.5 }
"""


def plot(report: dict[str, Any]) -> str:
    """Of the report's `looks`; without any it says so."""
    looks = report["looks"]
    title = f"{report['experiment']}: challenger less champion, at every look"
    body = _chart(looks) if looks else f'<text x="{_LEFT}" y="{_HEIGHT / 2}">No outcome is known yet.</text>'
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
        f'<style>{_STYLE}</style><text class="title" x="16" y="26">{escape(title)}</text>{body}</svg>\n'
    )


def _chart(looks: list[dict[str, Any]]) -> str:
    # The first looks are as wide as one likes: what is seen is where the path goes.
    shown = looks[len(looks) // 4 :] if len(looks) > 8 else looks
    low, high = min(0.0, *(one["low"] for one in shown)), max(0.0, *(one["high"] for one in shown))
    pad = (high - low) * 0.05 or 1.0
    low, high = low - pad, high + pad
    start, end = looks[0]["at"], looks[-1]["at"]

    def x(at: float) -> float:
        inner = _WIDTH - _LEFT - _RIGHT
        return round(_LEFT + (inner * (at - start) / (end - start) if end > start else inner / 2), 1)

    def y(value: float) -> float:
        kept = min(max(value, low), high)
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - kept) / (high - low), 1)

    upper = " ".join(f"{x(one['at'])},{y(one['high'])}" for one in looks)
    lower = " ".join(f"{x(one['at'])},{y(one['low'])}" for one in reversed(looks))
    path = " ".join(f"{x(one['at'])},{y(one['value'])}" for one in looks)
    ticks = [low + (high - low) * part / 4 for part in range(5)]
    grid = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(one)}" y2="{y(one)}"/>'
        f'<text x="{_LEFT - 8}" y="{y(one) + 5}" text-anchor="end">{one:.3g}</text>'
        for one in ticks
    )
    last = looks[-1]
    mark = f'<circle cx="{x(last["at"])}" cy="{y(last["value"])}" r="4" fill="var(--mark)"/>'
    foot = _HEIGHT - 12
    days = f'<text x="{_LEFT}" y="{foot}">{_day(start)}</text>' if end > start else ""
    days += (
        f'<text x="{_WIDTH - _RIGHT}" y="{foot}" text-anchor="end">{_day(end)}, {last["outcomes"]:,} outcomes</text>'
    )
    return (
        f'{grid}<polygon class="band" points="{upper} {lower}"/><polyline class="path" points="{path}"/>{mark}'
        f'<line class="zero" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(0)}" y2="{y(0)}"/>{days}'
    )


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")
