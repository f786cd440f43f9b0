"""`davtari init`, second half: which shop, may we in, and which group goes into which category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from contracts.validation import describe
from services.commands.init.asking import ask, ask_or_nothing, choose, choose_many, numbered, say, secret, yes
from services.commands.init.balance_answers import Group, told
from services.commands.init.settings_text import Value
from services.commands.screen import console
from services.shared.checks.shop import key, version
from services.shared.clock import utc_now
from services.shared.settings import SettingsError
from services.shared.settings.shop import ShopSettings
from services.shared.upstream.errors import UpstreamError
from services.shared.woocommerce.categories import Category
from services.shared.woocommerce.client import WooCommerce

MENU = "WooCommerce → Settings → Advanced → REST API → Add key, permission Read/Write"


@dataclass(frozen=True, slots=True)
class Connection:
    """A shop that has let us in, or that shall be written down all the same."""

    name: str
    values: dict[str, Value]
    settings: ShopSettings
    key: SecretStr
    secret: SecretStr
    answers: bool

    def open(self) -> WooCommerce:
        """The client."""
        return WooCommerce(self.name, self.settings, self.key, self.secret, clock=utc_now)


async def connection(folder: Path) -> Connection:
    """Ask for the connection until the shop lets us in, or the person wants to go on without."""
    name = ask("A short name for the shop (letters and digits)", "main", _short)
    while True:
        found = await _tried(_asked(name, folder))
        if found.answers or not yes("Try again with other answers?"):
            return found


def _short(text: str) -> str:
    fine = text.isascii() and text.replace("-", "").isalnum() and text == text.lower()
    return "" if fine else "small Latin letters, digits and hyphens, such as main"


def _asked(name: str, folder: Path) -> Connection:
    url = ask("Address of the shop", wrong=lambda text: "" if text.startswith("http") else "https://…").rstrip("/")
    say(f"  A key for us: {MENU}")
    consumer_key, consumer_secret = secret("Consumer key (not shown)"), secret("Consumer secret (not shown)")
    values: dict[str, Value] = {
        "url": url,
        "key-file": f"secrets/{name}-key",
        "secret-file": f"secrets/{name}-secret",
        "webhook-secret-files": [f"secrets/{name}-webhook"],
    }
    ca_file = ask_or_nothing("CA file, if the certificate is your own (else nothing)") if url[:6] == "https:" else ""
    if ca_file:
        values["ca-file"] = ca_file
    absolute = {k: str(folder / v) if k.endswith("file") and isinstance(v, str) else v for k, v in values.items()}
    settings = ShopSettings.model_validate(absolute)
    return Connection(name, values, settings, consumer_key, consumer_secret, answers=False)


async def _tried(asked: Connection) -> Connection:
    try:
        with console.status("asking the shop…"):
            async with asked.open() as client:
                probe, findings = await key(client)
                findings += await version(client) if probe.may_read else []
    except (UpstreamError, SettingsError, ValidationError) as error:
        say(f"  {describe(error) if isinstance(error, ValidationError) else error}", style="red")
        return asked
    told(findings)
    answers = probe.may_read
    return Connection(asked.name, asked.values, asked.settings, asked.key, asked.secret, answers)


def mapping(groups: Sequence[Group], categories: Sequence[Category]) -> dict[str, int]:
    """Which group goes into which category: `{group uid: category id}`. What is below a mapped group goes with it."""
    if not groups or not categories:
        return {}
    numbered("Groups in Balance:", [f"{'  ' * (group.depth - 1)}{group.path.rpartition('/')[2]}" for group in groups])
    say("  What is not chosen stays invisible; what lies below a chosen group goes with it.")
    chosen = choose_many("Which does the shop sell (numbers; nothing: decide later)", len(groups))
    if not chosen:
        return {}
    numbered("Categories of the shop:", [category.name for category in categories])
    found = {}
    for number in chosen:
        group = groups[number]
        category = choose(f"{group.path} goes into", len(categories), _same_name(group, categories))
        if category is not None:
            found[group.uid] = categories[category].id
    return found


def _same_name(group: Group, categories: Sequence[Category]) -> str:
    name = group.path.rpartition("/")[2].casefold()
    return next((str(n) for n, category in enumerate(categories, start=1) if category.name.casefold() == name), "")
