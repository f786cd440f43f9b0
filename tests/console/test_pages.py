"""The pages that need no data: sign-in, people, tokens, help; and every kind of bad request."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services.console.access.roles import ConsoleRole
from tests.console.page_bench import PASSWORD, PageBench, form_token, start_pages, submit

PUBLIC = ("/help", "/help/search?q=approve", "/help/guides/admin", "/help/reasons/record.bad-headers", "/sign-in")
FORM_TYPE = "application/x-www-form-urlencoded"
ADMINISTRATION = ("/people", "/people/viewer", "/tokens", "/audit")


@pytest.mark.parametrize("path", ["/", "/account", *ADMINISTRATION])
async def test_without_a_session_every_page_asks_to_sign_in_and_then_continues(console: PageBench, path: str) -> None:
    async with console.browser() as client:
        shown = await client.get(path)
        assert shown.status_code == 401
        assert f'name="next" value="{path}"' in shown.text
        answer = await submit(client, path, "/sign-in", name="admin", password=PASSWORD, next=path)
        assert (answer.status_code, answer.headers["location"]) == (303, path)


@pytest.mark.parametrize("path", PUBLIC)
async def test_help_needs_no_session(console: PageBench, path: str) -> None:
    async with console.browser() as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ADMINISTRATION)
@pytest.mark.parametrize("role", [role for role in ConsoleRole if role is not ConsoleRole.ADMIN])
async def test_only_administrators_manage_access(console: PageBench, role: ConsoleRole, path: str) -> None:
    client = await console.signed_in(role)
    shown = await client.get(path)
    assert shown.status_code == 403
    assert "Administrator" in shown.text
    assert path.split("/")[1] not in re.findall(r'class="menu".*?</ul>', shown.text, re.DOTALL)[0]
    token = form_token(shown.text)
    answer = await client.post("/people", data={"form": token, "name": "eve", "new": PASSWORD, "role": "admin"})
    assert answer.status_code == 403


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong"), ("nobody", PASSWORD), ("", ""), ("a\0", "")])
async def test_a_wrong_name_or_password_is_refused_with_the_same_words(
    console: PageBench, name: str, password: str
) -> None:
    async with console.browser() as client:
        answer = await submit(client, "/sign-in", name=name, password=password)
        assert answer.status_code == 422
        assert "Name or password is wrong" in answer.text
        assert (await client.get("/account")).status_code == 401


async def test_after_five_failures_the_name_waits_and_the_right_password_waits_too(console: PageBench) -> None:
    async with console.browser() as client:
        for _ in range(5):
            assert (await submit(client, "/sign-in", name="admin", password="wrong")).status_code == 422
        answer = await submit(client, "/sign-in", name="ADMIN", password=PASSWORD)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert (await submit(console.browser(), "/sign-in", name="viewer", password=PASSWORD)).status_code == 303
        console.clock.advance(seconds=61)
        assert (await submit(client, "/sign-in", name="admin", password=PASSWORD)).status_code == 303


async def test_twenty_failures_a_minute_from_one_address_are_the_limit(console: PageBench) -> None:
    async with console.browser() as client:
        answers = [(await submit(client, "/sign-in", name=f"name{n}", password="wrong")).status_code for n in range(22)]
    assert answers == [422] * 20 + [429] * 2


@pytest.mark.parametrize(
    "minutes",
    [pytest.param(61, id="without use"), pytest.param(12 * 60 + 1, id="at the end of its life")],
)
async def test_a_session_ends(console: PageBench, minutes: int) -> None:
    client = await console.signed_in("viewer")
    for _ in range(0, minutes - 61, 30):
        console.clock.advance(minutes=30)
        assert (await client.get("/account")).status_code == 200
    console.clock.advance(minutes=61)
    shown = await client.get("/account")
    assert shown.status_code == 401
    assert "Your session has ended" in shown.text


async def test_signing_out_and_ending_access_end_the_session_on_the_server(console: PageBench) -> None:
    client = await console.signed_in("viewer")
    copy = console.browser(cookies=dict(client.cookies))
    await submit(client, "/account", to="/sign-out")
    assert (await copy.get("/account")).status_code == 401
    again, admin = await console.signed_in("viewer"), await console.signed_in("admin")
    await submit(admin, "/people/viewer", do="end")
    assert (await again.get("/account")).status_code == 401
    assert (await submit(console.browser(), "/sign-in", name="viewer", password=PASSWORD)).status_code == 422


def _other(token: str) -> str:
    """The token with another signature; the last character alone may differ in bits that mean nothing."""
    return token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]


@pytest.mark.parametrize("change", [_other, lambda _: "", lambda token: token.replace(".", "x", 1)])
async def test_a_forged_cookie_is_no_session(console: PageBench, change: Callable[[str], str]) -> None:
    client = await console.signed_in("viewer")
    forged = console.browser(cookies={"davtari-session": change(client.cookies["davtari-session"])})
    assert (await forged.get("/account")).status_code == 401


async def test_a_form_is_taken_only_from_a_page_of_the_same_session(console: PageBench) -> None:
    admin, viewer = await console.signed_in("admin"), await console.signed_in("viewer")
    fields = {"name": "eve", "new": PASSWORD, "role": "admin"}
    token = form_token((await admin.get("/people")).text)
    theirs = form_token((await viewer.get("/account")).text)
    for form in ("", "x", theirs, _other(token)):
        assert (await admin.post("/people", data={"form": form, **fields})).status_code == 403
    cross = await admin.post("/people", data={"form": token, **fields}, headers={"sec-fetch-site": "cross-site"})
    assert cross.status_code == 403
    assert (await admin.get("/people/eve")).status_code == 404
    assert (await admin.post("/people", data={"form": token, **fields})).status_code == 303


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        (b"{}", "application/json", 400),
        (b"form=%ff", FORM_TYPE, 400),
        (b"\xff", FORM_TYPE, 400),
        (b"&".join(b"a=1" for _ in range(3000)), FORM_TYPE, 400),
        (b"a" * 300_000, FORM_TYPE, 413),
    ],
    ids=["JSON", "broken UTF-8", "bytes", "many fields", "long"],
)
async def test_a_form_that_no_page_sends_is_refused(
    console: PageBench, content: bytes, type_: str, status: int
) -> None:
    client = await console.signed_in("admin")
    answer = await client.post("/people", content=content, headers={"content-type": type_})
    assert answer.status_code == status


async def test_a_form_that_is_sent_twice_is_carried_out_once(console: PageBench) -> None:
    client = await console.signed_in("admin")
    fields = {"form": form_token((await client.get("/tokens")).text), "name": "report", "scope": "read", "days": "7"}
    first, second = await client.post("/tokens", data=fields), await client.post("/tokens", data=fields)
    assert "davtari_" in first.text
    assert (second.status_code, second.headers["location"]) == (303, "/tokens")
    listed = (await client.get("/tokens")).text
    assert listed.count(">report</th>") == 1
    assert "davtari_" not in listed


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x", ""],
)
async def test_signing_in_never_leads_to_another_site(console: PageBench, target: str) -> None:
    async with console.browser() as client:
        answer = await submit(client, "/sign-in", name="viewer", password=PASSWORD, next=target)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/people/%00", 404),
        ("/people/..%2f..%2fetc", 404),
        ("/help/guides/../../../pyproject", 404),
        ("/help/guides/%2e%2e", 404),
        ("/static/../site.py", 404),
        ("/help/reasons/no.such-code", 404),
        ("/help/settings/no.such.key", 404),
        ("/audit?before=x", 400),
        ("/audit?before=-1", 400),
        ("/audit?before=٣", 400),
        ("/audit?before=" + "9" * 40, 400),
        ("/help/search?q=" + "%22%20OR%20*:", 200),
        ("/help/search?q=" + "a" * 300, 200),
        ("/people/<script>alert(1)</script>", 404),
    ],
)
async def test_an_address_that_makes_no_sense_gets_a_clear_page(console: PageBench, path: str, status: int) -> None:
    client = await console.signed_in("admin")
    shown = await client.get(path)
    assert shown.status_code == status
    assert "<h1>" in shown.text
    assert "<script>alert" not in shown.text


async def test_a_method_that_a_page_does_not_have_is_refused(console: PageBench) -> None:
    client = await console.signed_in("admin")
    assert (await client.delete("/people")).status_code == 404
    assert (await client.get("/sign-out")).status_code == 404


@pytest.mark.parametrize("text", ["<b>bold</b>", "a\u202eb", "zero\u200bwidth", '" onload="x', "{{ 7 * 7 }}"])
async def test_texts_of_people_are_shown_as_data(console: PageBench, text: str) -> None:
    client = await console.signed_in("admin")
    shown = (await submit(client, "/tokens", name=text, scope="read", days="7")).text
    assert text not in shown or text == "{{ 7 * 7 }}"
    assert "\u202e" not in shown
    assert "\u200b" not in shown


@pytest.mark.parametrize("path", ["/help", "/account", "/nowhere", "/sign-in"])
async def test_every_answer_forbids_foreign_and_inline_content(console: PageBench, path: str) -> None:
    client = await console.signed_in("viewer")
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


async def test_no_page_has_inline_scripts_or_styles(console: PageBench) -> None:
    client = await console.signed_in("admin")
    for path in (*PUBLIC, *ADMINISTRATION, "/account"):
        html = (await client.get(path)).text
        assert not re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", html), path


async def test_behind_https_cookies_are_never_sent_in_clear(tmp_path: Path) -> None:
    async with start_pages(tmp_path, url="https://davtari.example.ge") as bench:
        shown = await bench.browser().get("/sign-in")
    cookie = shown.headers["set-cookie"]
    assert cookie.startswith("__Host-davtari-session=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "max-age" in shown.headers["strict-transport-security"]


async def test_only_files_with_a_digest_are_kept_by_browsers(console: PageBench) -> None:
    async with console.browser() as client:
        html = (await client.get("/help")).text
        address = re.findall(r'href="(/static/style[^"]*)"', html)[0]
        assert "immutable" in (await client.get(address)).headers["cache-control"]
        assert (await client.get("/static/style.css")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accepts", "language"), [("", "ka"), ("en-GB,en", "en"), ("ru, ka;q=0.5", "ka"), ("x" * 99, "ka")]
)
async def test_the_language_is_the_browsers_else_georgian(console: PageBench, accepts: str, language: str) -> None:
    async with console.browser(accepts) as client:
        assert f'<html lang="{language}">' in (await client.get("/help")).text


async def test_the_language_can_be_switched_and_the_page_remains(console: PageBench) -> None:
    async with console.browser("ka") as client:
        answer = await submit(client, "/help/guides/admin", "/language", language="en", next="/help/guides/admin")
        assert answer.headers["location"] == "/help/guides/admin"
        assert '<html lang="en">' in (await client.get("/help")).text
        await submit(client, "/help", "/language", language="xx", next="/help")
        assert '<html lang="en">' in (await client.get("/help")).text


async def test_a_failure_is_reported_with_a_number_and_reveals_nothing(
    console: PageBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = await console.signed_in("admin")
    monkeypatch.setattr("services.console.pages.people.list_users", lambda _: 1 / 0)
    shown: httpx.Response = await client.get("/people")
    assert shown.status_code == 500
    assert "ZeroDivisionError" not in shown.text
    numbers = [getattr(record, "number", "") for record in caplog.records]
    assert [number for number in numbers if number and number in shown.text]
