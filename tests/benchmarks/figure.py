"""A figure: our way as a ratio to a floor measured in the same run, and the goal that it must reach."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SLACK = "DAVTARI_BENCH_SLACK"
"""On a disturbed machine: the factor by which a figure may miss its goal, e.g. 1.5. Nothing else loosens a goal."""


@dataclass(frozen=True)
class Figure:
    """The result of one benchmark. `ratio` is ours to the floor, each in its fastest round, the one least disturbed;
    `spread` is the smallest and largest ratio of a round.

    `better` says which side of the goal is the right one; a figure without a goal is only reported.
    """

    name: str
    unit: str
    ours: float
    floor: float
    ratio: float
    spread: tuple[float, float]
    goal: float | None
    better: Literal["more", "less"]
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, allowing for the slack that the environment grants."""
        if self.goal is None:
            return True
        slack = float(os.environ.get(SLACK, "1"))
        return self.ratio >= self.goal / slack if self.better == "more" else self.ratio <= self.goal * slack

    @property
    def wanted(self) -> str:
        """The goal for a person, e.g. `≤ 1.1`; empty without one."""
        sign = "≥" if self.better == "more" else "≤"
        return "" if self.goal is None else f"{sign} {self.goal:g}"

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.ratio:.2f} ({self.spread[0]:.2f} to {self.spread[1]:.2f}) of the floor, "
            f"goal {self.wanted}; ours {self.ours:,.0f}, floor {self.floor:,.0f} {self.unit}"
        )


def throughput(name: str, unit: str, count: int, times: Times, goal: float | None, note: str = "") -> Figure:
    """A figure of things per second: `count` of them took these times in each round."""
    ratios = [floor / ours for ours, floor in zip(times.ours, times.floor, strict=True)]
    ours, floor = count / min(times.ours), count / min(times.floor)
    return Figure(name, unit, ours, floor, ours / floor, (min(ratios), max(ratios)), goal, "more", note)


def duration(name: str, unit: str, times: Times, goal: float | None, note: str = "") -> Figure:
    """A figure of how long one whole thing takes."""
    ratios = [ours / floor for ours, floor in zip(times.ours, times.floor, strict=True)]
    ours, floor = min(times.ours), min(times.floor)
    return Figure(name, unit, ours, floor, ours / floor, (min(ratios), max(ratios)), goal, "less", note)


@dataclass(frozen=True)
class Times:
    """Seconds of each round; ours and the floor's were measured by turns."""

    ours: Sequence[float]
    floor: Sequence[float]
