"""What `davtari forget` says before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from services.cli.forget.asking import Answers
from services.cli.forget.dossier import Dossier
from services.cli.screen import console
from services.engine.runtime.tbilisi import local_date

ERASE_FIRST = (
    "erase the buyer in the shop first (WordPress → Tools → Erase Personal Data, orders too by WooCommerce's privacy "
    "settings): else the next change of such an order brings the data back"
)


def before(found: Dossier, unbooked: Sequence[str], files: Sequence[Path]) -> list[str]:
    """What is known of the person, and what forgetting does not reach."""
    since = f" since {local_date(found.since)}" if found.since else ""
    return [
        f"{_count(len(found.orders), 'order')}{since}: {_named(found.orders)}",
        f"in the log: {_in_the_log(found)}",
        f"in Balance: {_kept(found)}",
        *(f"! {each}" for each in _warnings(found, unbooked, files)),
    ]


def _in_the_log(found: Dossier) -> str:
    sealed, clear = found.copies["sealed"], found.copies["person"]
    noise = f" under {_count(len(found.keys), 'key')}" if found.keys else ", noise by now" if sealed else ""
    stays = ", published before there was sealing: those stay" if clear else ""
    return f"{_count(sealed, 'sealed copy')}{noise}; {clear} in clear{stays}"


def _kept(found: Dossier) -> str:
    clients = [f"client {code or uid}" for uid, code in found.clients.items()]
    kept = [*clients, *(_count(count, name) for name, count in found.documents.items())]
    return f"{', '.join(kept)}: kept, accounting records" if kept else "nothing"


def _count(number: int, name: str) -> str:
    many = f"{name[:-1]}ies" if name.endswith("y") and name != "key" else f"{name}s"
    return f"{number} {name if number == 1 else many}"


def _warnings(found: Dossier, unbooked: Sequence[str], files: Sequence[Path]) -> Iterable[str]:
    if unerased := found.unerased():
        yield f"not erased in the shop when read last: {_named(unerased)}; {ERASE_FIRST}"
    if unbooked:
        yield f"not in the books yet: {_named(unbooked)}; a Sale made after this knows no buyer"
    if files:
        yield f"older state databases may hold copies; delete them: {', '.join(map(str, files))}"


def _named(orders: Iterable[str]) -> str:
    return ", ".join(sorted(orders)) or "none"


def after(given: Answers, services: Sequence[str], keys: int, *, dry_run: bool) -> list[str]:
    """What became of it, service by service."""
    told = [f"{service}: {_line(given, service)}" for service in services]
    return [f"{_count(keys, 'key')} {'would be ' if dry_run else ''}given up", *told]


def _line(given: Answers, service: str) -> str:
    if service in given.silent:
        return "has not answered; the command is kept and will be carried out when it runs (davtari status)"
    waiting = sum(each.figures.get("waiting", 0) for each in given.said if each.service == service)
    waits = f"; still waits, and names the person until it is made: {_count(waiting, 'delivery')}" if waiting else ""
    return _count(given.copies(service), "copy") + waits


def say(lines: Iterable[str]) -> None:
    """Print lines; a warning is marked."""
    for line in lines:
        console.print(line, style="yellow" if line.startswith("!") else None, markup=False, soft_wrap=True)


def data(found: Dossier, unbooked: Sequence[str], files: Sequence[Path], given: Answers | None) -> dict[str, Any]:
    """All of it as data."""
    return {
        "person_refs": sorted(found.refs),
        "orders": sorted(found.orders),
        "since": found.since,
        "copies": {"sealed": found.copies["sealed"], "clear": found.copies["person"]},
        "keys": len(found.keys),
        "clients_kept": sorted(found.clients),
        "documents_kept": dict(found.documents),
        "not_erased_in_the_shop": sorted(found.unerased()),
        "not_in_the_books": sorted(unbooked),
        "older_databases": [str(file) for file in files],
        "answers": [each.content() for each in given.said] if given else [],
        "silent": list(given.silent) if given else [],
    }
