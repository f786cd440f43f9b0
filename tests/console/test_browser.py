"""The pages in a real Chromium: both languages, narrow and wide, dark, printed, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.sandbox.server import serve
from tests.console.chromium import NARROW, WIDE, find_faults, open_chromium, open_window, sign_in, take_screenshot
from tests.console.page_bench import PASSWORD, start_pages
from tests.console.story import answer_to, open_pages

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]
PAGES = {
    "": ("/sign-in", "/help", "/help/guides/accountant", "/help/search?q=password", "/help/settings/console.url"),
    "admin": ("/account", "/people", "/people/viewer", "/tokens", "/audit", "/nowhere"),
    "operator": ("/health",),
    "accountant": (
        *("/today", "/orders?state=due", "/orders/main/1042?people=yes", "/orders/main/1043", "/attention"),
        *("/attention/list", "/attention/failed-sale:main:1043", "/approvals", "/approvals/history", "/days"),
        *("/days/main/2026-03-02", "/stock", "/catalogue", "/catalogue/plans"),
    ),
}


@pytest.mark.parametrize(("language", "width", "look"), [("ka", NARROW, "light"), ("en", WIDE, "dark")])
async def test_every_page_is_accessible_and_fits(tmp_path: Path, language: str, width: int, look: str) -> None:
    faults: dict[str, list[str]] = {}
    async with open_pages(tmp_path) as (console, _), serve(console.app) as at, open_chromium() as browser:
        for name, paths in PAGES.items():
            page = await open_window(browser, at.url, language, width, color_scheme=look)
            if name:
                await sign_in(page, name, "/account")
            for path in paths:
                await page.goto(path)
                shown = f"{path.strip('/').split('?')[0].replace('/', '-').replace(':', '-')}-{language}-{width}"
                await take_screenshot(page, shown)
                faults[shown] = await find_faults(page)
    assert {shown: found for shown, found in faults.items() if found} == {}


async def test_a_dead_letter_is_tried_again_on_a_phone_and_its_progress_is_seen(tmp_path: Path) -> None:
    async with open_pages(tmp_path) as (console, data), serve(console.app) as at, open_chromium() as browser:
        page = await open_window(browser, at.url, "ka", NARROW)
        await sign_in(page, "operator", "/today")
        await page.click("a[href='/attention?owner=accountant']")
        await page.click("main h2 a")
        await page.click("tbody th a")
        await page.click("button[value=replay]")
        await page.wait_for_selector("#progress[data-poll]")
        (sent,) = console.sent
        await data.take(sent, answer_to(sent))
        await page.wait_for_selector("#progress.good")
        assert "order-exporter" in await page.inner_text("#progress")


async def test_an_order_is_found_and_printed_without_the_menu(tmp_path: Path) -> None:
    async with open_pages(tmp_path) as (console, _), serve(console.app) as at, open_chromium() as browser:
        page = await open_window(browser, at.url, "ka")
        await sign_in(page, "accountant", "/orders")
        await page.keyboard.press("/")
        await page.keyboard.type("pot-2")
        await page.keyboard.press("Enter")
        await page.click("tbody th a")
        assert "1042" in await page.inner_text("h1")
        await page.emulate_media(media="print")
        assert not await page.is_visible(".menu-wide")
        assert await page.is_visible("h1")
        await take_screenshot(page, "order-printed")


async def test_an_administrator_adds_a_person_by_keyboard_alone(tmp_path: Path) -> None:
    async with start_pages(tmp_path) as console, serve(console.app) as at, open_chromium() as browser:
        page = await open_window(browser, at.url, "ka")
        await sign_in(page, "admin", "/people")
        await page.focus("#name")
        for text in ("nino", "\t", PASSWORD, "\t\t\t", " ", "\t\t\t", "\n"):
            for key in text:
                await page.keyboard.press({"\t": "Tab", "\n": "Enter", " ": "Space"}.get(key, key))
        await page.wait_for_url("**/people/nino")
        assert await page.is_checked("#role-accountant")
        await page.context.clear_cookies()
        await sign_in(page, "nino", "/account")
        assert await page.inner_text("h1") == "nino"


async def test_the_first_tab_leads_past_the_menu(tmp_path: Path) -> None:
    async with start_pages(tmp_path) as console, serve(console.app) as at, open_chromium() as browser:
        page = await open_window(browser, at.url, "en")
        await page.goto("/help")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "content"
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "q"


async def test_a_form_that_is_clicked_twice_is_sent_once(tmp_path: Path) -> None:
    async with start_pages(tmp_path) as console, serve(console.app) as at, open_chromium() as browser:
        page = await open_window(browser, at.url, "en")
        await sign_in(page, "admin", "/tokens")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        await page.fill("#name", "report")
        await page.evaluate("for (let n = 0; n < 3; n++) document.querySelector('form.fields button').click()")
        await page.wait_for_selector(".token")
        assert [url.rpartition("/")[2] for url in sent] == ["tokens"]
