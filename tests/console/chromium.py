"""Chromium for tests of pages: windows of a person, screenshots, and the accessibility rules of axe."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.console.page_bench import PASSWORD
from tests.support.shared_broker import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
NARROW, WIDE = 380, 1600
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium. Fails if it is not installed: `make test` installs it."""
    path = shutil.which("chromium") or pytest.fail("Chromium is missing: run ops/setup/requirements --browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            await browser.close()


async def open_window(browser: Browser, url: str, language: str, width: int = WIDE, **options: Any) -> Page:
    """A window without cookies, whose errors fail the test when it is checked."""
    context = await browser.new_context(
        base_url=url, locale=language, viewport={"width": width, "height": 900}, **options
    )
    context.set_default_timeout(15_000)
    return await context.new_page()


async def sign_in(page: Page, name: str, target: str = "/") -> None:
    """Sign in with the keyboard, at the page that was asked for."""
    await page.goto(target)
    await page.focus("#name")
    await page.keyboard.type(name)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("a[href='/account']")


async def find_faults(page: Page) -> list[str]:
    """What is wrong with a page for people with disabilities or on a narrow screen."""
    found = (await Axe().run(page, options=RULES)).response["violations"]
    faults = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    if (extra := await page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
        faults.append(f"{extra} px wider than the window")
    return faults


async def take_screenshot(page: Page, name: str) -> None:
    """A picture of the whole page, for people to look at."""
    await page.screenshot(path=_picture(name), full_page=True)


def _picture(name: str) -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS / f"{name}.png"
