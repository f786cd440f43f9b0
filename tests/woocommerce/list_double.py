"""A shop whose lists fail: on pages that are too long, on single records, or altogether."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.connectors.woocommerce.php import format_gmt, parse_gmt
from tests.woocommerce.shop_double import listed

START = datetime(2026, 3, 1, tzinfo=UTC)
Failure = Callable[[httpx.Request], httpx.Response]


def times_out(request: httpx.Request) -> httpx.Response:
    """No answer in time."""
    raise httpx.ReadTimeout("slow", request=request)


def breaks_off(request: httpx.Request) -> httpx.Response:
    """The process that answered died."""
    raise httpx.RemoteProtocolError("gone", request=request)


def crashes(request: httpx.Request) -> httpx.Response:
    """WordPress's own words for a plugin that crashed."""
    body = {"code": "internal_server_error", "message": "<p>A critical error.</p>", "data": {"status": 500}}
    return httpx.Response(500, json=body)


def answers(status: int, text: str = "") -> Failure:
    """The host's words, or half an answer."""
    return lambda request: httpx.Response(status, text=text)


FAILURES: dict[str, Failure] = {
    "a crash": crashes,
    "a page of a crash": answers(500, "<html><title>Error</title></html>"),
    "no answer in time": times_out,
    "a connection that breaks": breaks_off,
    "a gateway's timeout": answers(504, "<html>504</html>"),
    "a bad gateway": answers(502),
    "Cloudflare's timeout": answers(524),
    "LiteSpeed's timeout": answers(408),
    "a limit of the host": answers(508),
    "an empty body": answers(200),
    "half an answer": answers(200, '[{"id": 1, "sta'),
    "PHP out of memory": answers(200, "<br />\n<b>Fatal error</b>: Allowed memory size of 1 bytes exhausted"),
}


@dataclass
class ListDouble:
    """Lists of so many records, ids from 1; `step` is the time between the changes of two.

    Pages of more than `most` fail, and pages with one of `odd`; without `light` even when only ids are asked.
    Without `exclude` that parameter is ignored. `down` fails whatever is asked. `changed` are times of changes.
    """

    count: int
    failure: Failure = crashes
    odd: Collection[int] = ()
    most: int = 100
    light: bool = True
    exclude: bool = True
    header: bool = True
    down: bool = False
    step: timedelta = timedelta(seconds=1)
    more: dict[str, Any] = field(default_factory=dict)
    changed: dict[int, datetime] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        query = request.url.params
        size, number = int(query["per_page"]), int(query["page"])
        found = [id_ for id_ in range(1, self.count + 1) if self._listed(id_, query)]
        if query.get("orderby") == "modified":
            found.sort(key=self._modified)
        page = found[(number - 1) * size :][:size]
        eased = self.light and query.get("_fields") == "id"
        if self.down or (size > self.most and len(page) > self.most) or (set(page) & set(self.odd) and not eased):
            return self.failure(request)
        answer = listed([self._record(id_) for id_ in page], pages=-(-len(found) // size))
        if not self.header:
            del answer.headers["X-WP-TotalPages"]
        return answer

    def _listed(self, id_: int, query: httpx.QueryParams) -> bool:
        out = query.get("exclude", "").split(",") if self.exclude else []
        since = query.get("modified_after")
        until = query.get("modified_before")
        include = query.get("include", str(id_)).split(",")
        return (
            str(id_) not in out
            and str(id_) in include
            and (since is None or self._modified(id_) > parse_gmt(since))
            and (until is None or self._modified(id_) < parse_gmt(until))
        )

    def _modified(self, id_: int) -> datetime:
        return self.changed.get(id_, START + timedelta(seconds=1) + self.step * id_)

    def _record(self, id_: int) -> dict[str, Any]:
        return {"id": id_, "date_modified_gmt": format_gmt(self._modified(id_)), **self.more}

    @property
    def sizes(self) -> list[int]:
        """How many records each request asked for."""
        return [int(request.url.params["per_page"]) for request in self.asked]
