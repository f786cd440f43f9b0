"""How findings are shown to a person on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.markup import escape

from services.cli.dead_letters.pages import letters as letters
from services.cli.screen import console, mark, table

if TYPE_CHECKING:
    from services.cli.check.systems import Checked
    from services.cli.letters import Letter
    from services.cli.order.passport import Passport
    from services.cli.status.standings import Standing


def checked(found: Sequence[Checked], forbidden: Mapping[str, Sequence[str]] | None = None) -> None:
    """What `davtari check` found, and which flows cannot go live before it is mended."""
    for one in found:
        console.print(f"\n[bold]{escape(one.title)}[/]   [dim]{one.milliseconds} ms[/]", soft_wrap=True)
        for done in one.mended:
            console.print(f"  [green]mended[/]  {escape(done)}", soft_wrap=True)
        for finding in one.findings:
            console.print(f"  {mark(finding.ok)} {escape(finding.what)}   {escape(finding.told)}", soft_wrap=True)
            if finding.fix and finding.ok is not True:
                console.print(f"      {escape(finding.fix)}", style="cyan", soft_wrap=True)
    wrong = sum(finding.ok is False for one in found for finding in one.findings)
    known = sum(finding.ok is None for one in found for finding in one.findings)
    console.print(f"\n{wrong} {'thing' if wrong == 1 else 'things'} to mend, {known} to know.")
    for shop, flows in (forbidden or {}).items():
        told = f"{shop}: {', '.join(flows)} cannot go live before the ✗ are gone; in dry run they may stay."
        console.print(escape(told), soft_wrap=True)


def passport(found: Passport) -> None:
    """The story of an order."""
    console.print(f"[bold]{escape(found.title)}[/]")
    for entry in found.entries:
        console.print(f"  {entry.at}  {entry.who:<16} {escape(entry.what)}", soft_wrap=True)
    if found.sale is None:
        waits = " · it waits for a person" if found.waits else ""
        console.print(f"In the books: nothing yet · {escape(found.stands)}{waits}", soft_wrap=True)
        return
    verdict = "[green]equal[/]" if found.matches else "[red]different[/]"
    waits = "it waits for a person" if found.waits else "nothing waits"
    total, says = found.sale - found.credited, "nothing" if found.shop is None else f"{found.shop:.2f}"
    console.print(
        f"In the books: Sale {found.sale:.2f} − credit {found.credited:.2f} = {total:.2f} · shop says {says} · "
        f"{verdict} · {waits}",
        soft_wrap=True,
    )
    if found.stands:
        console.print(f"Now: {escape(found.stands)}", soft_wrap=True)


def standings(found: Iterable[Standing], open_letters: Sequence[Letter], *, quiet: bool = True) -> None:
    """How the services stand. `quiet`: nothing else was shown that waits for a person."""
    services = list(found)
    heads = ("service", "to read", "to deliver", "blocked", "oldest", "to publish")
    console.print(table(heads, map(_standing, services), right=(1, 2, 3, 4, 5)))
    if elsewhere := [one.service for one in services if one.is_elsewhere]:
        console.print(
            f"unknown: the state of {', '.join(elsewhere)} is on another machine or in another container; "
            "run davtari status there"
        )
    if not open_letters:
        console.print("Nothing waits for a person." if quiet else "No dead letter waits for a person.")
        return
    console.print(f"[yellow]{len(open_letters)} dead letters wait for a person:[/] davtari dead-letters list")


def _standing(one: Standing) -> tuple[object, ...]:
    if one.waiting is None:
        unknown = ("unknown",) * 4 if one.is_elsewhere else ("",) * 4
        return one.service, "not started yet" if one.lag is None else one.lag, *unknown
    pending = sum(waiting.count for waiting in one.waiting if waiting.state == "pending")
    blocked = sum(waiting.count for waiting in one.waiting) - pending
    oldest = min((waiting.oldest for waiting in one.waiting), default=None)
    age = "" if oldest is None else f"{datetime.now(UTC).timestamp() - oldest:.0f} s"
    return one.service, "?" if one.lag is None else one.lag, pending, blocked, age, one.unpublished
