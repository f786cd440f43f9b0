"""Balance's resources as rows: where an address, a parameter and an answer's shape meet."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import httpx

from services.connectors.balance.answers import echoed
from services.connectors.balance.fields import reference
from services.connectors.balance.paging import all_pages
from services.connectors.balance.refusals import NothingThere, called, misaddressed, refusal_in
from services.connectors.balance.stream import Rows, rows_of
from services.connectors.balance.urls import constant_parameters, resource_url
from services.connectors.balance.writing import body
from services.connectors.http.http import Params, Upstream
from services.settings.balance import BalanceSettings

JSON = {"Content-Type": "application/json"}
NO_FILTER: Mapping[str, str] = {}


class Api:
    """Reads and writes resources by name. `lists` waits long for large answers, `records` as long as for a write."""

    def __init__(self, settings: BalanceSettings, lists: Upstream, records: Upstream) -> None:
        self.settings = settings
        self._lists, self._records = lists, records

    def published_as(self, resource: str, publication: str) -> Api:
        """The same Balance, with one resource taken from another publication of the cloud."""
        dialect = self.settings.dialect
        moved = dialect.model_copy(update={"publication_of": dialect.publication_of | {resource: publication}})
        return Api(self.settings.model_copy(update={"dialect": moved}), self._lists, self._records)

    async def every(self, resource: str) -> Rows:
        """All rows of a resource, page by page where the settings say so.

        Raises `UpstreamError`, also when the answer stops half-way: whoever saw the end has seen everything.
        """
        fixed = constant_parameters(self.settings, resource)
        pages = resource in self.settings.dialect.paging
        size = self.settings.dialect.page_size
        rows = (
            all_pages(lambda number: self.rows(resource, {**fixed, "Pack": number, "PackSize": size}))
            if pages
            else self.rows(resource, fixed)
        )
        async with aclosing(rows):
            async for row in rows:
                yield row

    async def where(self, resource: str, **fields: str) -> Rows:
        """The rows whose fields have these values (API fact: any field name filters); none is no error."""
        async with aclosing(self._read(self._records, resource, fields, may_be_empty=True)) as rows:
            try:
                async for row in rows:
                    yield row
            except NothingThere:
                return

    async def one(self, resource: str, uid: str) -> dict[str, Any] | None:
        """The record with this uid, also from a Balance that answers with more than was asked for.

        The answer is read to its end: half of one proves nothing.
        """
        found, meant = None, (uid.lower(), None)
        try:
            async with self._records.stream_get(resource_url(self.settings, resource), params={"uid": uid}) as response:
                async for row in self._rows_in(response, may_be_empty=True):
                    found = found or (row if reference(row, "uid") in meant else None)
                self._records.believed(response)
        except NothingThere:
            return None
        return found

    async def put(self, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Writes one record (API facts: the body is an array; several at once may be half written).

        Gives what Balance echoes, None when it echoes nothing usable: reading back is the proof.
        """
        return await self._write("PUT", resource, document)

    async def patch(self, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Changes the named fields of an existing record (API fact: PATCH needs its `uid`)."""
        return await self._write("PATCH", resource, document)

    async def _write(self, method: str, resource: str, document: Mapping[str, Any]) -> dict[str, Any] | None:
        response = await self._records.request(
            method,
            resource_url(self.settings, resource),
            writes=True,
            content=body(document, resource, self.settings.dialect),
            headers=JSON,
        )
        if (refusal := refusal_in(response, self.settings.dialect)) is not None:
            raise refusal
        self._records.believed(response)
        return echoed(response.content)

    async def rows(self, resource: str, params: Params = NO_FILTER) -> Rows:
        """The rows of one answer to an unfiltered read. A 404 that does not say "not found" is a wrong address."""
        async with aclosing(self._read(self._lists, resource, params)) as rows:
            try:
                async for row in rows:
                    yield row
            except NothingThere as error:
                if not error.stated:
                    raise misaddressed(error.message, error.status) from None

    async def _read(self, upstream: Upstream, resource: str, params: Params, *, may_be_empty: bool = False) -> Rows:
        url = resource_url(self.settings, resource)
        async with (
            upstream.stream_get(url, params=params or None) as response,
            aclosing(self._rows_in(response, may_be_empty=may_be_empty)) as rows,
        ):
            async for row in rows:
                yield row
            upstream.believed(response)

    def _rows_in(self, response: httpx.Response, *, may_be_empty: bool) -> Rows:
        return rows_of(response.aiter_bytes(), called(response), self.settings.dialect, may_be_empty=may_be_empty)
