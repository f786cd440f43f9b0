"""`/livez`, `/readyz` and `/metrics`. They name services, topics and lanes, no person and no secret."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.engine.telemetry.board import Board, Health
from services.engine.telemetry.exposition import exposition

OK, UNAVAILABLE = 200, 503


def pages(board: Board) -> Starlette:
    """The web application of a process' telemetry."""

    async def livez(_: Request) -> Response:
        return _health(board.live(), "live")

    async def readyz(_: Request) -> Response:
        return _health(await board.ready(), "ready")

    async def metrics(_: Request) -> Response:
        return Response(exposition(await board.readings()), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)])


def _health(health: Health, word: str) -> Response:
    """200 or 503, and for each service whether it is well and why not."""
    services = {name: {word: not reasons, "reasons": reasons} for name, reasons in health.faults.items()}
    return JSONResponse({word: health.well, "services": services}, OK if health.well else UNAVAILABLE)
