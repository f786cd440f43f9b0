"""Each failure of a call has its meaning: not executed, unknown, denied or refused."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from contracts.reasons import Reason
from services.connectors.http.upstream import Limits, Upstream
from services.engine.outbox.upstream_errors import (
    AccessDenied,
    ForeignAnswer,
    Misaddressed,
    ReadFailed,
    Rejected,
    Unavailable,
    UnknownOutcome,
    UpstreamError,
)
from tests.http.fake_upstream import LABELS, URL, FakeSleep, Handler, answers, fails, failure, upstream

NOT_SENT = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
AFTER_SENDING = [
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.RemoteProtocolError,
    httpx.LocalProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
]


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize("error", NOT_SENT)
async def test_a_request_that_was_never_sent_was_not_executed(error: type[httpx.RequestError], writes: bool) -> None:
    found = await failure(fails(error), writes=writes)
    assert type(found) is Unavailable
    assert "nothing was sent" in found.message


@pytest.mark.parametrize("error", AFTER_SENDING)
async def test_a_write_that_fails_after_sending_has_an_unknown_outcome(error: type[httpx.RequestError]) -> None:
    found = await failure(fails(error), writes=True)
    assert type(found) is UnknownOutcome
    assert "it may have taken effect" in found.message


@pytest.mark.parametrize("error", AFTER_SENDING)
async def test_a_failed_read_is_only_unavailable(error: type[httpx.RequestError]) -> None:
    found = await failure(fails(error), writes=False)
    assert isinstance(found, Unavailable)
    assert isinstance(found, ReadFailed) == (error in INTERRUPTED), "a read of fewer records may succeed"


INTERRUPTED = (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError)


def test_these_tables_contain_every_transport_error_of_httpx() -> None:
    def leaf_classes(kind: type[Exception]) -> set[type[Exception]]:
        below = [each for each in kind.__subclasses__() if each.__module__.startswith("httpx")]
        return {leaf for one in below for leaf in leaf_classes(one)} if below else {kind}

    assert leaf_classes(httpx.RequestError) == {*NOT_SENT, *AFTER_SENDING, httpx.UnsupportedProtocol}


@pytest.mark.parametrize("url", ["ftp://shop.test/x", "https://shop.test:port/x"])
async def test_an_invalid_address_needs_a_person(url: str) -> None:
    async with Upstream(LABELS) as calls:
        with pytest.raises(Misaddressed, match="Check the url"):
            await calls.request("GET", url, writes=False)


@pytest.mark.parametrize(
    ("status", "on_read", "on_write"),
    [
        (400, Rejected, Rejected),
        (401, AccessDenied, AccessDenied),
        (403, AccessDenied, AccessDenied),
        (404, Rejected, Rejected),
        (408, ReadFailed, UnknownOutcome),
        (409, Rejected, Rejected),
        (413, Rejected, Rejected),
        (414, Rejected, Rejected),
        (422, Rejected, Rejected),
        (429, Unavailable, Unavailable),
        (500, ReadFailed, UnknownOutcome),
        (501, Unavailable, UnknownOutcome),
        (502, ReadFailed, UnknownOutcome),
        (503, Unavailable, Unavailable),
        (504, ReadFailed, UnknownOutcome),
        (521, Unavailable, Unavailable),
        (524, ReadFailed, UnknownOutcome),
        (530, Unavailable, Unavailable),
        (301, Misaddressed, Misaddressed),
        (304, Misaddressed, Misaddressed),
    ],
)
async def test_each_status_has_its_error(
    status: int, on_read: type[UpstreamError], on_write: type[UpstreamError]
) -> None:
    handler = answers(status, location="https://elsewhere.test/")
    for writes, expected in ((False, on_read), (True, on_write)):
        found = await failure(handler, writes=writes)
        assert (type(found), found.status) == (expected, status)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"retry-after": "30"}, 30.0), ({"retry-after": "Mon, 02 Mar 2026 12:00:45 GMT"}, 45.0), ({}, None)],
)
async def test_retry_after_of_the_upstream_is_passed_on(
    status: int, header: dict[str, str], seconds: float | None
) -> None:
    found = await failure(answers(status, **header), writes=True)
    assert isinstance(found, Unavailable)
    assert found.retry_after == seconds


PAGE = "\ufeff <!DOCTYPE html><html><head><title>Just a\n moment &amp; wait</title></head><body>…</body></html>"


async def test_a_web_page_in_answer_to_a_read_is_reported_as_such() -> None:
    found = await failure(answers(200, PAGE), writes=False)
    assert isinstance(found, ForeignAnswer)
    assert 'a web page "Just a moment & wait"' in found.message


async def test_a_web_page_in_answer_to_a_write_is_an_unknown_outcome() -> None:
    assert type(await failure(answers(200, PAGE), writes=True)) is UnknownOutcome


async def test_a_redirect_is_reported_with_its_target() -> None:
    handler = answers(301, location="https://www.shop.test/wp-json/wc/v3/products?key=ck_secret")
    found = await failure(handler, writes=False)
    assert "a redirect to https://www.shop.test" in found.message
    assert "ck_secret" not in found.message


async def test_a_call_that_was_not_sent_is_retried_at_once() -> None:
    calls: list[str] = []
    sleep = FakeSleep()

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        if len(calls) < 3:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(201, json={"id": 1})

    async with upstream(handler, sleep=sleep) as shop:
        response = await shop.request("POST", URL, json={"sku": "A"}, writes=True)

    assert response.status_code == 201
    assert len(calls) == 3
    (wait,) = sleep.seconds  # the first retry is immediate
    assert 0 <= wait <= 2


async def test_a_call_is_tried_at_most_three_times() -> None:
    seen: list[tuple[str, str, str]] = []
    found = await failure(
        fails(httpx.ConnectTimeout),
        writes=True,
        observe=lambda method, path, result, _: seen.append((method, path, result)),
    )
    assert isinstance(found, Unavailable)
    assert seen == [("PUT", "/wp-json/wc/v3/products", "ConnectTimeout")] * 3


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
@pytest.mark.parametrize("writes", [False, True])
async def test_a_call_that_may_have_been_sent_is_not_repeated(error: type[httpx.RequestError], writes: bool) -> None:
    seen: list[str] = []
    await failure(fails(error), writes=writes, observe=lambda method, path, result, _: seen.append(result))
    assert seen == [error.__name__]


@pytest.mark.parametrize(
    "handler", [fails(httpx.ReadTimeout), answers(401), answers(400, "ck_body"), answers(500, PAGE)]
)
async def test_no_error_message_contains_a_secret_a_query_or_a_body(handler: Handler) -> None:
    auth = httpx.BasicAuth("ck_key", "cs_secret")
    async with upstream(handler, auth=auth) as calls:
        with pytest.raises(UpstreamError) as raised:
            await calls.request("POST", URL, params={"consumer_key": "ck_query"}, json={"name": "ck_json"}, writes=True)
    assert "ck_" not in raised.value.message
    assert "cs_" not in raised.value.message
    assert "POST /wp-json/wc/v3/products" in raised.value.message


async def test_the_own_error_check_of_a_client_comes_first() -> None:
    def refine(response: httpx.Response, writes: bool) -> UpstreamError | None:
        return Rejected("the period is closed", reason=Reason.BALANCE_PERIOD_CLOSED) if writes else None

    written = await failure(answers(500), writes=True, refine=refine)
    read = await failure(answers(500), writes=False, refine=refine)
    assert isinstance(written, Rejected)
    assert type(read) is ReadFailed


async def test_a_read_sends_no_content_type_and_a_write_sends_json() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    async with upstream(handler) as calls:
        await calls.request("GET", URL, writes=False)
        await calls.request("PUT", URL, json={"name": "ყავა"}, writes=True)

    assert "content-type" not in seen[0].headers
    assert seen[0].headers["accept"] == "application/json"
    assert seen[1].headers["content-type"] == "application/json"
    assert seen[1].content == '{"name":"ყავა"}'.encode()


async def test_concurrent_calls_are_limited() -> None:
    running, most = 0, 0

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, json={})

    async with Upstream(LABELS, transport=httpx.MockTransport(handler), limits=Limits(concurrency=2)) as calls:
        await asyncio.gather(*(calls.request("GET", URL, writes=False) for _ in range(20)))

    assert most == 2


async def test_an_address_may_contain_credentials() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    async with upstream(handler) as calls:
        await calls.request("GET", "https://reader:word@pictures.test/A.jpg", writes=False)

    assert seen[0].headers["authorization"] == httpx.BasicAuth("reader", "word")._auth_header


async def test_cookies_are_not_kept() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={}, headers={"set-cookie": "wordpress_logged_in=somebody"})

    async with upstream(handler) as calls:
        for _ in range(2):
            await calls.request("GET", URL, writes=False)

    assert "cookie" not in seen[1].headers
