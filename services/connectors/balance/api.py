"""Reads and writes Balance's resources as rows: URLs, parameters, paging and the shape of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import Any

import httpx

from services.connectors.balance.answers import read_echo
from services.connectors.balance.fields import reference
from services.connectors.balance.refusals import NoMatch, build_misaddressed, describe_call, find_refusal
from services.connectors.balance.stream import Rows, parse_rows
from services.connectors.balance.writing import encode_body
from services.connectors.http.upstream import Params, Upstream
from services.engine.offload import LINE, run_by_size
from services.settings.balance import BalanceSettings

# Where each resource is, and the parameters that this Balance wants with every read of it.

STOCKS = "Stocks"


def build_url(settings: BalanceSettings, resource: str) -> str:
    """The address of a resource, under the publication that is set for it."""
    return f"{settings.base_url(resource)}/{resource}"


def fixed_parameters(settings: BalanceSettings, resource: str) -> dict[str, str]:
    """The parameters that the settings ask for.

    Balance facts 20 and 25: unknown parameters are refused, an empty `uid=` may give 502, only what is set is sent.
    """
    dialect = settings.dialect
    wanted = {
        "uid": dialect.uid_parameter.get(resource, ""),
        "Source": dialect.source_parameter.get(resource, ""),
        "Total": "false" if dialect.stocks_total_false and resource == STOCKS else "",
    }
    return {name: value for name, value in wanted.items() if value}


JSON = {"Content-Type": "application/json"}
NO_FILTER: Mapping[str, str] = {}


class BalanceApi:
    """Reads and writes resources by name. `lists` has the timeouts of large answers, `records` those of writes."""

    def __init__(self, settings: BalanceSettings, lists: Upstream, records: Upstream) -> None:
        self.settings = settings
        self._lists, self._records = lists, records

    def published_as(self, resource: str, publication: str) -> BalanceApi:
        """The same Balance with one resource read from another publication of the cloud (Balance fact 2)."""
        dialect = self.settings.dialect
        moved = dialect.model_copy(update={"publication_of": dialect.publication_of | {resource: publication}})
        return BalanceApi(self.settings.model_copy(update={"dialect": moved}), self._lists, self._records)

    async def every(self, resource: str) -> Rows:
        """All rows of a resource, page by page if the settings require it.

        Raises `UpstreamError`, also when the answer breaks off: who reaches the end has seen all rows.
        """
        fixed = fixed_parameters(self.settings, resource)
        pages = resource in self.settings.dialect.paging
        size = self.settings.dialect.page_size
        rows = (
            read_pages(lambda number: self.rows(resource, {**fixed, "Pack": number, "PackSize": size}))
            if pages
            else self.rows(resource, fixed)
        )
        async with aclosing(rows):
            async for row in rows:
                yield row

    async def where(self, resource: str, **fields: str) -> Rows:
        """The rows whose fields have these values, possibly none (Balance fact 26: any field name filters)."""
        async with aclosing(self._read(self._records, resource, fields, may_be_empty=True)) as rows:
            try:
                async for row in rows:
                    yield row
            except NoMatch:
                return

    async def one(self, resource: str, uid: str) -> dict[str, Any] | None:
        """The record with this uid, also if Balance returns more than was requested.

        The answer is read to its end, since half of one proves nothing.
        """
        found, meant = None, (uid.lower(), None)
        try:
            async with self._records.stream_get(build_url(self.settings, resource), params={"uid": uid}) as response:
                async for row in self._rows_in(response, may_be_empty=True):
                    found = found or (row if reference(row, "uid") in meant else None)
                self._records.confirm_answer(response)
        except NoMatch:
            return None
        return found

    async def put(self, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Writes one record (Balance fact 8: the body is an array; several at once may be half written).

        Returns Balance's echo, None if it is unusable: reading back is the proof (Balance fact 23).
        """
        return await self._write("PUT", resource, document)

    async def patch(self, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Changes the named fields of an existing record (Balance fact 9: PATCH needs its `uid`)."""
        return await self._write("PATCH", resource, document)

    async def _write(self, method: str, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        size = sum(len(part) * LINE for part in document.values() if isinstance(part, list))
        content = await run_by_size(partial(encode_body, document, resource, self.settings.dialect), size)
        response = await self._records.request(
            method,
            build_url(self.settings, resource),
            writes=True,
            content=content,
            headers=JSON,
        )
        if (refusal := find_refusal(response, self.settings.dialect)) is not None:
            raise refusal
        self._records.confirm_answer(response)
        return read_echo(response.content)

    async def rows(self, resource: str, params: Params = NO_FILTER) -> Rows:
        """The rows of one answer to an unfiltered read. A 404 without "not found" means a wrong address."""
        async with aclosing(self._read(self._lists, resource, params)) as rows:
            try:
                async for row in rows:
                    yield row
            except NoMatch as error:
                if not error.stated:
                    raise build_misaddressed(error.message, error.status) from None

    async def _read(self, upstream: Upstream, resource: str, params: Params, *, may_be_empty: bool = False) -> Rows:
        url = build_url(self.settings, resource)
        async with (
            upstream.stream_get(url, params=params or None) as response,
            aclosing(self._rows_in(response, may_be_empty=may_be_empty)) as rows,
        ):
            async for row in rows:
                yield row
            upstream.confirm_answer(response)

    def _rows_in(self, response: httpx.Response, *, may_be_empty: bool) -> Rows:
        return parse_rows(
            response.aiter_bytes(), describe_call(response), self.settings.dialect, may_be_empty=may_be_empty
        )


async def read_pages(page: Callable[[int], Rows]) -> Rows:
    """The rows of all pages, up to the first empty one (Balance fact 24).

    A page that begins with the same record as an earlier one ends it too and is left out: that Balance ignores `Pack`
    and returned everything at once, or starts again. Short pages do not end it, since Balance may limit the size.
    """
    first_marks: set[Any] = set()
    for number in count(1):
        empty = True
        async with aclosing(page(number)) as rows:
            async for row in rows:
                if empty and _mark(row) in first_marks:
                    return
                if empty:
                    first_marks.add(_mark(row))
                empty = False
                yield row
        if empty:
            return


def _mark(row: dict[str, Any]) -> str:
    """What identifies a record: its uid, or the whole row if it has none (stock, prices)."""
    return reference(row, "uid") or repr(row)
