"""Orders and what needs attention: what each role sees, filters in the address, and texts that want to be more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.gates import GateChecked
from services.console.access.audit import list_audit
from services.console.access.roles import ConsoleRole
from tests.console.page_bench import PageBench, submit
from tests.console.story import BOUGHT, HIDDEN, MARKUP, open_pages
from tests.support.exporting import PAID

PAGES = ("/orders", "/orders/main/1042", "/attention", "/attention/list", "/attention/list?closed=yes")
PHONE = BOUGHT.person.phone


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[PageBench]:
    async with open_pages(tmp_path) as (found, _):
        yield found


def orders_on(html: str) -> list[str]:
    return re.findall(r'<a href="/orders/main/(\d+)"', html)


@pytest.mark.parametrize("role", list(ConsoleRole))
async def test_everybody_but_pure_administrators_sees_figures_and_nobody_sees_people_unasked(
    pages: PageBench, role: ConsoleRole
) -> None:
    client = await pages.signed_in(role)
    for path in PAGES:
        shown = await client.get(path)
        assert shown.status_code == (403 if role is ConsoleRole.ADMIN else 200), path
        assert PHONE not in shown.text
        assert BOUGHT.person.email not in shown.text


async def test_only_accountants_see_people_and_each_look_is_noted(pages: PageBench) -> None:
    accountant, storefront = await pages.signed_in("accountant"), await pages.signed_in("storefront")
    path = "/orders/main/1042?people=yes"
    assert BOUGHT.person.email in (await accountant.get(path)).text
    assert BOUGHT.person.email not in (await storefront.get(path)).text
    found = await storefront.get(f"/orders?people=yes&q={BOUGHT.person.email}")
    assert "No order matches" in found.text
    assert orders_on((await accountant.get(f"/orders?people=yes&q={BOUGHT.person.email}")).text) == ["1045", "1042"]
    async with pages.access.read() as connection:
        entries = await list_audit(connection)
    looks = [(entry.user, entry.subject) for entry in entries if entry.action == "see-people"]
    assert looks == [("accountant", "orders"), ("accountant", "main:1042")]


async def test_filters_are_in_the_address_and_pages_follow_one_another(pages: PageBench) -> None:
    client = await pages.signed_in("viewer")
    seen: list[str] = []
    path = "/orders?state=due"
    while path:
        html = (await client.get(path)).text
        assert '<option value="due" selected>' in html
        seen += orders_on(html)
        following = re.findall(r'rel="next" href="([^"]*)"', html)
        path = following[0].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 70
    for query, numbers in (
        ("q=1042", ["1042"]),
        ("q=pot-2", ["1042"]),
        ("attention=yes", ["1043"]),
        ("total=63,00&state=needs+a+person", ["1043"]),
        ("from=2026-03-03", []),
        ("to=2026-03-01&state=in+the+books", ["1042"]),
    ):
        assert orders_on((await client.get(f"/orders?{query}")).text) == numbers, query


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday", "to=2026-02-30", "to=9999-12-31", "total=abc", "total=1e9", "total=-5", "state=happy",
        "shop=x", "after=zz", "after=W10", "differs=1", "people=maybe", "total=٣", "q=" + "x" * 201, "at=now",
    ],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_gets_a_page_that_names_it(pages: PageBench, query: str) -> None:
    client = await pages.signed_in("viewer")
    shown = await client.get("/orders/main/1042?" + query if query.startswith("at=") else "/orders?" + query)
    assert shown.status_code == 400
    assert query.partition("=")[0] in shown.text


@pytest.mark.parametrize("path", ["/orders/main/99", "/orders/x/1042", "/orders/main/9" + "9" * 30, "/orders/main/٣"])
async def test_an_order_that_is_not_known_is_named(pages: PageBench, path: str) -> None:
    shown = await (await pages.signed_in("viewer")).get(path)
    assert shown.status_code == 404
    assert "is not known here" in shown.text


async def test_one_order_shows_the_shop_beside_the_books_and_what_it_waits_for(pages: PageBench) -> None:
    client = await pages.signed_in("accountant")
    html = (await client.get("/orders/main/1042")).text
    for text in ("30.00\u00a0₾", "Sale 50.00\u00a0₾, credit notes 20.00\u00a0₾", "ჩაიდანი", "credit note", "equal"):
        assert text in html
    stuck = (await client.get("/orders/main/1043")).text
    assert "March is closed in Balance" in stuck
    assert re.search(r'href="/attention/[^"]+"', stuck)
    unread = (await client.get("/orders/main/7")).text
    assert "line 1 has no total" in unread


async def test_an_order_can_be_seen_as_it_was_known_before(pages: PageBench) -> None:
    client = await pages.signed_in("accountant")
    assert "order read" in (await client.get("/orders/main/1042?at=2026-03-02T02:00")).text
    assert "order read" not in (await client.get("/orders/main/1042?at=2026-03-01T00:00")).text


async def test_names_with_markup_and_hidden_characters_are_data(pages: PageBench) -> None:
    client = await pages.signed_in("accountant")
    for path in ("/orders?people=yes", "/orders/main/1045?people=yes"):
        html = (await client.get(path)).text
        assert MARKUP not in html
        assert "\u202e" not in html
        assert HIDDEN not in html
    assert "Nino\\u202eeb\\u200b" in html


async def test_a_dead_letter_can_be_taken_and_commented_by_those_who_resolve(pages: PageBench) -> None:
    operator, viewer = await pages.signed_in("operator"), await pages.signed_in("viewer")
    listed = (await operator.get("/attention/list")).text
    path = re.findall(r'href="(/attention/[^"?]+)"', listed.partition("<tbody>")[2])[0]
    assert "<form" not in (await viewer.get(path)).text.partition("<main")[2]
    assert (await submit(viewer, "/orders", path, do="take")).status_code == 403
    assert (await submit(operator, path, do="take")).status_code == 303
    assert (await submit(operator, path, do="comment", text="")).status_code == 422
    assert (await submit(operator, path, do="comment", text="<b>asked the bank</b>")).status_code == 303
    html = (await operator.get(path)).text
    assert "&lt;b&gt;asked the bank&lt;/b&gt;" in html
    assert "Give it back" in html
    assert ">operator</bdi></td>" in (await operator.get("/attention/list")).text


async def test_groups_say_cause_effect_and_fix_in_the_readers_language(pages: PageBench) -> None:
    english, georgian = await pages.signed_in("operator"), await pages.signed_in("operator", "ka")
    assert "period that is closed in Balance" in (await english.get("/attention")).text
    assert "ბალანსში" in (await georgian.get("/attention")).text
    assert "Nothing needs a person" in (await english.get("/attention?owner=storefront")).text
    assert "by nino" not in (await english.get("/attention/list")).text
    assert "nino" in (await english.get("/attention/list?closed=yes")).text


async def test_operators_see_what_the_services_state_about_their_health(tmp_path: Path) -> None:
    shut = GateChecked(
        service="order-exporter", gate="orders", flows=("orders:main",), verdict="shut", why=("no warehouse <b>",),
        since=PAID, checked_at=PAID,
    )  # fmt: skip
    async with open_pages(tmp_path) as (pages, data):
        operator, viewer = await pages.signed_in("operator"), await pages.signed_in("viewer")
        assert "No service has stated a problem" in (await operator.get("/health")).text
        await data.take(shut)
        html = (await operator.get("/health")).text
        assert "no warehouse &lt;b&gt;" in html
        assert "Something is not as it should be" in html
        assert (await viewer.get("/health")).status_code == 403


async def test_a_day_shows_both_sides_by_vat_rate_and_each_difference(pages: PageBench) -> None:
    client = await pages.signed_in("accountant")
    calendar = (await client.get("/days?month=2026-03")).text
    assert re.search(r'href="/days/main/2026-03-02"', calendar)
    html = (await client.get("/days/main/2026-03-02")).text
    assert "18 %" in html
    assert "1043" in html.partition("Differences")[2]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/days?month=2026-13", 400),
        ("/days?month=x", 400),
        ("/days/main/2026-02-30", 404),
        ("/days/main/20260302", 404),
        ("/days/other/2026-03-02", 404),
        ("/stock/main/no-such-sku", 404),
        ("/stock/main/%3Cb%3E", 404),
        ("/catalogue/plans?action=x", 400),
        ("/today?shop=x", 400),
        ("/stock?after=zz", 400),
        ("/approvals/history?after=zz", 400),
        ("/attention?owner=x", 400),
        ("/attention/no-such-id", 404),
    ],
)
async def test_further_addresses_that_make_no_sense_get_a_clear_page(pages: PageBench, path: str, status: int) -> None:
    shown = await (await pages.signed_in("viewer")).get(path)
    assert shown.status_code == status
    assert "<b>" not in shown.text
