"""The pages in a real Chromium: both languages, narrow and wide, dark, printed, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.sandbox.server import serve
from tests.console.chromium import NARROW, WIDE, find_faults, open_chromium, open_window, sign_in, take_screenshot
from tests.console.page_bench import PASSWORD, start_pages

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]
PAGES = {
    "": ("/sign-in", "/help", "/help/guides/accountant", "/help/search?q=password", "/help/settings/console.url"),
    "admin": ("/account", "/people", "/people/viewer", "/tokens", "/audit", "/nowhere"),
}


@pytest.mark.parametrize("language", ["ka", "en"])
async def test_every_page_is_accessible_and_fits(tmp_path: Path, language: str) -> None:
    faults: dict[str, list[str]] = {}
    async with start_pages(tmp_path) as console, serve(console.app) as at, open_chromium() as browser:
        for width, look in ((NARROW, "light"), (WIDE, "dark")):
            for name, paths in PAGES.items():
                page = await open_window(browser, at.url, language, width, color_scheme=look)
                if name:
                    await sign_in(page, name, "/account")
                for path in paths:
                    await page.goto(path)
                    shown = f"{path.strip('/').split('?')[0].replace('/', '-')}-{language}-{width}"
                    await take_screenshot(page, shown)
                    faults[shown] = await find_faults(page)
    assert {shown: found for shown, found in faults.items() if found} == {}


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
