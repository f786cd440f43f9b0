"""What a web server, PHP and WordPress's settings do to addresses, headers and answers of a shop."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.sandbox.woocommerce.shop import Shop

USUAL = "/wp-json"


class Hosting:
    """ASGI middleware in front of a shop; changes nothing with the usual settings."""

    def __init__(self, app: ASGIApp, shop: Shop) -> None:
        self.app = app
        self.shop = shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        path = self._routed(Request(scope))
        if path is None:
            await HTMLResponse("<html><title>Page not found</title></html>", 404)(scope, receive, send)
            return
        routed = {**scope, "path": path, "dialled": scope["path"], "headers": self._headers(scope)}
        await self.app(routed, receive, self._with_notice(send))

    def _routed(self, request: Request) -> str | None:
        """The path that WordPress sees; None for a page that it does not know."""
        path, prefix = request.url.path, f"/{self.shop.settings.rest_prefix}"
        if path == "/" and request.query_params.get("rest_route") == "/":
            return f"{USUAL}/"
        if self.shop.settings.permalinks == "pretty" and f"{path}/".startswith(f"{prefix}/"):
            return USUAL + path.removeprefix(prefix)
        return path if path == "/" else None

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        removed = b"authorization" if self.shop.settings.removes_authorization else b""
        return [(name, value) for name, value in scope["headers"] if name != removed]

    def _with_notice(self, send: Send) -> Send:
        """A `send` that puts PHP's words before the JSON of an answer."""
        notice, begun = self.shop.settings.php_notice.encode(), False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-length"] = str(int(headers["content-length"]) + len(notice))
            elif not begun:
                message, begun = {**message, "body": notice + message.get("body", b"")}, True
            await send(message)

        return sent if notice else send
