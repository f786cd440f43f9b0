"""`davtari status` in a container: only its own service is known there, and the others are reported as unknown."""

from __future__ import annotations

import pytest

from services.cli.service_status import ServiceStatus
from services.cli.status import show_services


@pytest.mark.parametrize(
    ("status", "cells", "explained"),
    [
        (ServiceStatus("order-exporter"), ["order-exporter", "not started yet"], False),
        (ServiceStatus("order-exporter", lag=3), ["order-exporter", "3", *["unknown"] * 4], True),
        (ServiceStatus("order-exporter", "g1", 3, 2, []), ["order-exporter", "3", "0", "0", "2"], False),
    ],
)
def test_unknown_figures_are_not_shown_as_zero(
    status: ServiceStatus, cells: list[str], explained: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    show_services([status], [])
    shown = capsys.readouterr().out
    assert " ".join(shown.splitlines()[2].split()) == " ".join(cells)
    assert ("run davtari status there" in shown) == explained
