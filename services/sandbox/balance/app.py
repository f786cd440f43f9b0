"""The Balance sandbox as an ASGI app: access, reads and writes of the Exchange service, control routes, and faults."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.sandbox.balance import clients, control, posting, resources
from services.sandbox.balance.books import SandboxBooks, SandboxRegister
from services.sandbox.balance.dialect import JSON, RowRenderer, list_response
from services.sandbox.balance.drafts import parse_body
from services.sandbox.balance.errors import ExchangeRefusal, PlatformRefusal, error_text
from services.sandbox.balance.record import Row
from services.sandbox.balance.resources import find_resource
from services.sandbox.balance.settings import AccessRights, BalanceSandboxSettings
from services.sandbox.faults import FaultInjector


@dataclass(frozen=True)
class ExchangePath:
    """What a path names; `publication` is "" on-prem."""

    publication: str
    resource: str


def parse_path(path: str, settings: BalanceSandboxSettings) -> ExchangePath:
    """Parses a path (Balance facts 1 and 2), case-sensitively. Raises `PlatformRefusal` 404 if not published."""
    cloud = rf"/sm/(?P<publication>[oa])/Balance/{settings.application_id}(/[a-z]{{2}}_[A-Z]{{2}})?"
    base = rf"({cloud}|{re.escape(settings.on_prem_base)})"
    found = re.fullmatch(rf"{base}/hs/Exchange/(?P<resource>\w+)", path)
    if found is None:
        raise PlatformRefusal(404, f"No Exchange service is published at {path}")
    return ExchangePath(found["publication"] or "", found["resource"])


def check_access(request: Request, address: ExchangePath, settings: BalanceSandboxSettings) -> None:
    """Checks access. Raises `PlatformRefusal`: 401 for a wrong user or password, 403 for a missing right."""
    if parse_basic_header(request.headers.get("Authorization", "")) != (
        settings.rights.user_name,
        settings.rights.password,
    ):
        raise PlatformRefusal(401, "Wrong user name or password", {"WWW-Authenticate": 'Basic realm="Balance"'})
    if settings.dialect.content_type_on_get == "forbidden" and request.method == "GET":
        refuse_content_type(request)
    if is_forbidden(request.method, address, settings.rights):
        raise PlatformRefusal(403, f"The user has no right to {request.method} {address.resource}")


def parse_basic_header(header: str) -> tuple[str, str] | None:
    """User name and password of a Basic header in UTF-8, where names may be Georgian; None when it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def refuse_content_type(request: Request) -> None:
    """Raises 403 for a GET with a Content-Type (Balance fact 6)."""
    if "Content-Type" in request.headers:
        raise PlatformRefusal(403, "Forbidden")


def is_forbidden(method: str, address: ExchangePath, rights: AccessRights) -> bool:
    """Whether the user may not do this, or not under this publication (Balance fact 4)."""
    if rights.forbidden & {address.resource, f"{method} {address.resource}"}:
        return True
    wanted = rights.only_under.get(address.resource)
    return wanted is not None and address.publication not in ("", wanted)


Write = Callable[[list[Row]], list[Row]]


async def write(request: Request, name: str, books: SandboxBooks) -> Response:
    """Carries out POST, PUT, PATCH or DELETE. Raises `PlatformRefusal` 405, or `ExchangeRefusal`."""
    writer = find_writer(request.method, name, books)
    sent = await read_rows(request, books)
    return echo_response(writer(sent), RowRenderer(books.settings.dialect, document=name != "Clients"))


async def read_rows(request: Request, books: SandboxBooks) -> list[Row]:
    """The records of the body; a DELETE may name its one by `?uid=`."""
    if request.method == "DELETE" and "uid" in request.query_params:
        return [{"uid": request.query_params["uid"]}]
    return parse_body(await request.body(), books.settings)


def find_writer(method: str, name: str, books: SandboxBooks) -> Write:
    """Returns the writer for a method of a resource; documents have no POST."""
    registers = books.registers()
    writers = client_writers(books) if name == "Clients" else {}
    if name in registers:
        writers = document_writers(books, registers[name])
    if method not in writers:
        raise PlatformRefusal(405, f"{name} does not support {method}", {"Allow": ", ".join(["GET", *writers])})
    return writers[method]


def client_writers(books: SandboxBooks) -> dict[str, Write]:
    """The methods of Clients."""
    return {
        "POST": lambda sent: [clients.put_client(books.clients, each, books.settings) for each in sent],
        "PUT": lambda sent: [clients.put_client(books.clients, each, books.settings) for each in sent],
        "PATCH": lambda sent: [clients.patch_client(books.clients, each, books.settings) for each in sent],
        "DELETE": lambda sent: [mark_client(books, posting.requested_uid(each)) for each in sent],
    }


def mark_client(books: SandboxBooks, wanted: str) -> Row:
    """Marks a client for deletion. Raises `ExchangeRefusal` for an unknown uid."""
    row = books.clients.get(wanted)
    if row is None:
        raise ExchangeRefusal(
            books.settings.rules.error_status, [error_text(books.settings.dialect.language, "uid", value=wanted)]
        )
    books.clients.marked.add(wanted)
    return row | {"DeletionMark": True}


def document_writers(books: SandboxBooks, register: SandboxRegister) -> dict[str, Write]:
    """The methods of a kind of document."""
    return {
        "PUT": lambda sent: [document.row() for document in posting.put_documents(books, register, sent)],
        "PATCH": lambda sent: [posting.patch_document(books, register, each).row() for each in sent],
        "DELETE": lambda sent: [
            posting.mark_document(books, register, posting.requested_uid(each)).row() for each in sent
        ],
    }


def echo_response(rows: list[Row], renderer: RowRenderer) -> Response:
    """The body after a write: what was written as an array, one object, or nothing at all."""
    if renderer.dialect.echo == "empty":
        return Response(status_code=200)
    array = renderer.json(rows)
    single = renderer.dialect.echo == "object" and len(rows) == 1
    return Response(array[1:-1] if single else array, media_type=JSON)


async def handle_exchange(request: Request, books: SandboxBooks) -> Response:
    """Answers a request to a published path as Balance would."""
    try:
        at = parse_path(request.url.path, books.settings)
        check_access(request, at, books.settings)
        if request.method == "GET":
            return read(request, at.resource, books)
        return await write(request, at.resource, books)
    except (PlatformRefusal, ExchangeRefusal) as no:
        return no.response


def read(request: Request, name: str, books: SandboxBooks) -> Response:
    """Answers a GET. Raises `PlatformRefusal`."""
    dialect, found = books.settings.dialect, find_resource(name, books)
    asked = resources.parse_query(request.query_params.multi_items(), name, found.known, dialect)
    rows = iter(()) if asked.nothing else asked.select(found.rows(books, asked))
    return list_response(rows, asked, RowRenderer(dialect, found.document))


HTTP_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class BalanceSandbox(FaultInjector):
    """The ASGI app. `books` is all that Balance knows, `state.books` the same; faults are added to the app itself."""

    def __init__(self, books: SandboxBooks, rng: Random) -> None:
        self.books = books
        self.state = State({"books": books})
        super().__init__(make_routes(books), now=books.clock, rng=rng)


def create_balance(
    settings: BalanceSandboxSettings | None = None,
    clock: Callable[[], datetime] | None = None,
    rng: Random | None = None,
) -> BalanceSandbox:
    """An empty Balance, to be filled with `catalogue.fill(app.books)` or `POST /_sandbox/catalogue`.

    `clock` gives the time now (aware); `rng` is for faults with a probability.
    """
    now = clock or (lambda: datetime.now(UTC))
    return BalanceSandbox(SandboxBooks(settings or BalanceSandboxSettings(), now), rng or Random(0))


def make_routes(books: SandboxBooks) -> Starlette:
    """The routes: control first, everything else may be a published path of the Exchange service."""

    async def exchanged(request: Request) -> Response:
        return await handle_exchange(request, books)

    return Starlette(routes=[*control.control_routes(books), Route("/{path:path}", exchanged, methods=HTTP_METHODS)])
