"""The HTTP layer of the REST API: from a request to a resource and back."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.sandbox.woocommerce import resources
from services.sandbox.woocommerce.auth import KeyAuthenticator, RequestCredentials
from services.sandbox.woocommerce.errors import RestError, no_route
from services.sandbox.woocommerce.resources import ResourceFactory, Searchable, parse_boolean
from services.sandbox.woocommerce.shop import Document, SandboxShop

PREFIX = "/wp-json/wc/v3"
LONGEST_URL = 8190
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
WRITES = ["POST", "PUT", "PATCH"]
Handler = Callable[["RestCall"], Response]
Hook = Callable[["RestCall"], Awaitable[None]]


class RestCall:
    """A parsed request."""

    def __init__(self, shop: SandboxShop, request: Request, raw: bytes) -> None:
        self.shop = shop
        self.request = request
        self.raw = raw
        self.query = parse_query_string(request.url.query)
        self.ids: dict[str, int] = {**parse_decimals(self.query), **request.path_params}

    def body(self) -> Document:
        """The JSON object of the request; `{}` without one. RestError 400 for broken JSON."""
        if not self.raw.strip():
            return {}
        try:
            read = json.loads(self.raw)
        except ValueError:
            raise broken_json() from None
        return read if isinstance(read, dict) else {}


def parse_query_string(text: str) -> dict[str, str]:
    """A query as PHP reads it: `include[]=1&include[]=2` is a list, which is written `1,2` here."""
    read: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        bare = name.partition("[")[0]
        read[bare] = f"{read[bare]},{value}" if bare in read and bare != name else value
    return read


def parse_decimals(query: Mapping[str, str]) -> dict[str, int]:
    """Parses the number of decimals (`dp`) of a query, if present."""
    return {"dp": int(query["dp"])} if query.get("dp", "").isdecimal() else {}


def broken_json() -> RestError:
    """The body was not JSON."""
    more = {"json_error_code": 4, "json_error_message": "Syntax error"}
    return RestError(400, "rest_invalid_json", "Invalid JSON body passed.", **more)


class RestRoutes:
    """Makes routes for resources; `before` is awaited after authorization, `after` once the request is handled."""

    def __init__(self, shop: SandboxShop, before: Hook, after: Hook) -> None:
        self.shop = shop
        self.gate = KeyAuthenticator(shop)
        self.before = before
        self.after = after

    def resource(self, path: str, factory: ResourceFactory) -> list[Route]:
        """The routes of a collection at `path`, of its items and of its batch."""
        make = CollectionHandlers(factory)
        return [
            self.route(path, {"GET": ("list", make.listed), "POST": ("create", make.created)}),
            self.route(f"{path}/batch", dict.fromkeys(WRITES, ("batch", make.batched))),
            self.route(
                f"{path}/{{id:int}}",
                {"GET": ("view", make.shown), "DELETE": ("delete", make.deleted)}
                | dict.fromkeys(WRITES, ("edit", make.updated)),
            ),
        ]

    def route(self, path: str, actions: Mapping[str, tuple[str, Handler]], public: bool = False) -> Route:
        """Makes one route; `actions` maps each method to its action (a key of `auth.REFUSALS`) and its handler."""

        async def endpoint(request: Request) -> Response:
            call = RestCall(self.shop, request, await request.body())
            try:
                answer = await self._handled(call, actions, public)
            except RestError as wrong:
                answer = json_response(wrong.body(), wrong.status)
            answer.headers["Allow"] = ", ".join(sorted(actions, key=METHODS.index))
            return answer

        return Route(PREFIX + path, endpoint, methods=list(actions))

    async def _handled(self, call: RestCall, actions: Mapping[str, tuple[str, Handler]], public: bool) -> Response:
        if refused := check_limits(call):
            return refused
        action, handler = actions[call.request.method if call.request.method != "HEAD" else "GET"]
        if not public:
            self.gate.authorize(read_credentials(call), action)
        await self.before(call)
        answer = handler(call)
        await self.after(call)
        return answer


class CollectionHandlers:
    """The handlers of one resource."""

    def __init__(self, factory: ResourceFactory) -> None:
        self.factory = factory

    def listed(self, call: RestCall) -> Response:
        """GET of the collection."""
        return respond_list(call, self.factory(call.shop, call.ids))

    def created(self, call: RestCall) -> Response:
        """POST to the collection."""
        document = self.factory(call.shop, call.ids).create(call.body(), strict=True)
        return json_response(apply_fields(call, document), 201, {"Location": location_url(call, document)})

    def batched(self, call: RestCall) -> Response:
        """POST of a batch."""
        done = resources.run_batch(self.factory(call.shop, call.ids), call.body())
        fields = resources.parse_words(call.query, "_fields")
        return json_response(resources.select_fields(done, fields) if fields else done)

    def shown(self, call: RestCall) -> Response:
        """GET of one."""
        return json_response(apply_fields(call, self.factory(call.shop, call.ids).read(call.ids["id"])))

    def updated(self, call: RestCall) -> Response:
        """PUT of one."""
        resource = self.factory(call.shop, call.ids)
        return json_response(apply_fields(call, resource.update(call.ids["id"], call.body(), strict=True)))

    def deleted(self, call: RestCall) -> Response:
        """DELETE of one."""
        force = parse_boolean(call.query.get("force") or call.body().get("force"))
        return json_response(apply_fields(call, self.factory(call.shop, call.ids).delete(call.ids["id"], force=force)))


def respond_list(call: RestCall, resource: Searchable) -> Response:
    """One page of a search, with its headers."""
    page = resources.requested_page(call.query)
    found = resource.search(call.query)
    shown = [found.show(document) for document in (page.of(found.documents) if found.paged else found.documents)]
    url = call.shop.url(call.request.url.path)
    headers = page.headers(len(found.documents), url, call.request.url.query) if found.paged else {}
    fields = resources.parse_words(call.query, "_fields")
    return json_response([resources.select_fields(one, fields) if fields else one for one in shown], headers=headers)


def location_url(call: RestCall, document: Document) -> str:
    """The Location of a new document. That of a refund is an unusable pattern (recorded)."""
    path = re.sub(r"/orders/\d+/", r"/orders/(?P<order_id>[\\d]+)/", call.request.url.path)
    return call.shop.url(f"{path}/{document['id']}")


def apply_fields(call: RestCall, document: Document) -> Any:
    """Selects `_fields` of a document; `_links` is always included (WooCommerce fact 8)."""
    fields = resources.parse_words(call.query, "_fields")
    return resources.select_fields(document, [*fields, "_links"]) if fields else document


def read_credentials(call: RestCall) -> RequestCredentials:
    """Reads the credentials of a request."""
    url = call.request.url
    header = call.request.headers.get("authorization", "")
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    dialled = url.replace(query="", path=call.request.scope.get("dialled", url.path))
    return RequestCredentials(call.request.method, str(dialled), url.scheme == "https", query, header)


def check_limits(call: RestCall) -> Response | None:
    """Returns the web server's HTML error for a URL or body that is too large (WooCommerce fact 35), else None."""
    url = call.request.url
    if len(url.path) + len(url.query) > LONGEST_URL:
        return html_response(414, "Request-URI Too Large")
    if len(call.raw) > call.shop.settings.max_body:
        return html_response(413, "Request Entity Too Large")
    return None


def html_response(status: int, title: str) -> Response:
    """An HTML page of the web server."""
    return HTMLResponse(f"<html><head><title>{status} {title}</title></head><body>{title}</body></html>", status)


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encode_php_json(content), status, headers, media_type="application/json; charset=UTF-8")


def encode_php_json(content: Any) -> bytes:
    """JSON as PHP writes it: ASCII only, slashes escaped."""
    return json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode("ascii")


async def respond_unknown_route(_: Request, __: Exception) -> Response:
    """Responds to a path or method without a route."""
    wrong = no_route()
    return json_response(wrong.body(), wrong.status)
