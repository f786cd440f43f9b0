"""Charts as SVG: the figures of a chart as rectangles. A chart is always beside the figures that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

HEIGHT = 40
STEP, WIDTH = 10, 8


class Bar(NamedTuple):
    """One bar of a chart: its place, its size and its value."""

    x: int
    y: int
    width: int
    height: int
    value: int


def draw_bars(values: Sequence[int]) -> list[Bar]:
    """Bars as high as their values; the largest fills the height, and a value above zero is always visible."""
    largest = max(values, default=0) or 1
    heights = [0 if not value else max(2, round(HEIGHT * value / largest)) for value in values]
    return [Bar(n * STEP, HEIGHT - h, WIDTH, h, v) for n, (h, v) in enumerate(zip(heights, values, strict=True))]
