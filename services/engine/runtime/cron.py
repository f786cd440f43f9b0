"""Cron expressions, read in Tbilisi's time."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim

from services.engine.runtime.tbilisi import TBILISI


def next_run(cron: str, now: datetime) -> datetime:
    """The next moment (UTC) that a cron expression, read in Tbilisi's time, names."""
    return next(CronSim(cron, now.astimezone(TBILISI))).astimezone(UTC)
