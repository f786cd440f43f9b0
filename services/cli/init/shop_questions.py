"""Questions of `davtari init` about the shop: connection, and the categories of Balance's groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from services.accounting.checks.shop import check_key, check_php_output, check_version
from services.cli.init.balance_questions import CatalogueFolder, show_findings
from services.cli.init.interview import Interview, confirm, say, show_choices
from services.cli.init.settings_template import SettingValue
from services.cli.screen import console, report_unreadable
from services.connectors.http.listing import Listing
from services.connectors.woocommerce.client import WooCommerce
from services.connectors.woocommerce.products import Category
from services.engine.clock import utc_now
from services.engine.outbox.upstream_errors import UpstreamError
from services.settings import SettingsError
from services.settings.base import is_unencrypted
from services.settings.shop import ShopSettings

NEW = "new"
"""The choice to create a category."""
CREATE = "(create a category with the name of the group)"
MENU = "WooCommerce → Settings → Advanced → REST API → Add key, permission Read/Write"


class CategoryStore(Protocol):
    """The part of a shop with its categories."""

    async def categories(self) -> Listing[Category]: ...

    async def create_category(self, name: str) -> Category: ...


@dataclass(frozen=True, slots=True)
class ShopConnection:
    """The connection to the shop. `answers`: whether it was tested successfully."""

    name: str
    values: dict[str, SettingValue]
    settings: ShopSettings
    key: SecretStr
    secret: SecretStr
    answers: bool

    def open(self) -> WooCommerce:
        """Open a client."""
        return WooCommerce(self.name, self.settings, self.key, self.secret, clock=utc_now)


async def ask_shop_connection(ask: Interview, folder: Path) -> ShopConnection:
    """Ask for the connection until it works, or until the person continues without it."""
    name = ask.text("shop.name", "Id for the shop (lower-case letters, digits, hyphens)", "main", _check_id)
    while True:
        found = await _test(_ask_access(ask, name, folder))
        if found.answers or not confirm("Try again with other answers?"):
            return found


def _check_id(text: str) -> str:
    valid = text.isascii() and text.replace("-", "").isalnum() and text == text.lower()
    return "" if valid else "Use lower-case Latin letters, digits and hyphens, such as main."


def _ask_access(ask: Interview, name: str, folder: Path) -> ShopConnection:
    url = ask.address("shop.url", "Address of the shop, such as https://shop.example.ge")
    say(f"  Create an API key: {MENU}")
    values: dict[str, SettingValue] = {
        "url": url,
        "key-file": f"secrets/{name}-key",
        "secret-file": f"secrets/{name}-secret",
        "webhook-secret-files": [f"secrets/{name}-webhook"],
    }
    if is_unencrypted(url):
        values["allow-http"] = True
    consumer_key = ask.secret("Consumer key", folder / f"secrets/{name}-key")
    secret = ask.secret("Consumer secret", folder / f"secrets/{name}-secret")
    question = "CA file for a private certificate (empty: none)"
    ca_file = ask.optional("shop.ca-file", question) if url.startswith("https:") else ""
    if ca_file:
        values["ca-file"] = ca_file
    absolute = {k: str(folder / v) if k.endswith("file") and isinstance(v, str) else v for k, v in values.items()}
    settings = ShopSettings.model_validate(absolute)
    return ShopConnection(name, values, settings, consumer_key, secret, answers=False)


async def _test(asked: ShopConnection) -> ShopConnection:
    try:
        with console.print_status("Connecting to the shop…"):
            async with asked.open() as client:
                probe, findings = await check_key(client)
                findings += await check_version(client) if probe.may_read else []
                findings += check_php_output(client, asked.name)
    except (UpstreamError, SettingsError) as error:
        say(f"  {error}", style="red")
        return asked
    show_findings(findings)
    return replace(asked, answers=probe.may_read)


async def ask_mapping(ask: Interview, groups: Sequence[CatalogueFolder], store: CategoryStore) -> dict[str, int]:
    """Ask which groups are sold, and in which categories. Returns `{group uid: category id}`.

    Raises `UpstreamError`.
    """
    if not groups:
        return {}
    show_choices("Groups in Balance:", [f"{'  ' * (group.depth - 1)}{group.name}" for group in groups])
    say("  Groups that are not chosen are not sold. Subgroups belong to their group.")
    question = "Groups that the shop sells (numbers; empty: decide later)"
    chosen = ask.choose_many("groups", question, [group.uid for group in groups])
    return await _ask_categories(ask, [group for group in groups if group.uid in chosen], store) if chosen else {}


async def _ask_categories(ask: Interview, groups: Sequence[CatalogueFolder], store: CategoryStore) -> dict[str, int]:
    listed = await store.categories()
    report_unreadable(listed.unreadable)
    there = sorted(listed.records, key=lambda category: category.name)
    show_choices("Categories of the shop:", [CREATE, *(category.name for category in there)])
    found = {}
    for group in groups:
        category = await _ask_category(ask, group, there, store)
        if category is not None:
            found[group.uid] = category
    return found


async def _ask_category(
    ask: Interview, group: CatalogueFolder, there: list[Category], store: CategoryStore
) -> int | None:
    """Ask for the category of a group: an existing one, or a new one."""
    ids = [NEW, *(str(category.id) for category in there)]
    same = [str(category.id) for category in there if category.name.casefold() == group.name.casefold()]
    taken = ask.choose(
        f"category:{group.uid}", f"Category for {group.path} (number; empty: decide later)", ids, same[:1]
    )
    if taken != NEW:
        return int(taken) if taken else None
    return await _create_category(ask, group, there, store)


async def _create_category(
    ask: Interview, group: CatalogueFolder, there: list[Category], store: CategoryStore
) -> int | None:
    if not confirm(f"Create the category {group.name!r} in the shop now?"):
        return None
    made = await store.create_category(group.name)
    ask.kept.keep(f"category:{group.uid}", [str(made.id)])
    if made.id not in {category.id for category in there}:
        there.append(made)
    say(f"  Category {made.id} is {made.name!r}, number {there.index(made) + 2} of the list.")
    return made.id
