"""How findings are shown to a person on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from contracts.reason_texts import known
from services.commands.check import Checked
from services.commands.letters import Letter
from services.commands.passport import Passport
from services.commands.screen import console, mark, table
from services.commands.status import Standing


def checked(found: Sequence[Checked]) -> None:
    """What `davtari check` found."""
    for one in found:
        console.print(f"\n[bold]{one.title}[/]")
        for finding in one.findings:
            console.print(f"  {mark(finding.ok)} {finding.what}   {finding.told}", soft_wrap=True)
            if finding.fix and finding.ok is not True:
                console.print(f"      {finding.fix}", style="cyan", soft_wrap=True)
    wrong = sum(finding.ok is False for one in found for finding in one.findings)
    known = sum(finding.ok is None for one in found for finding in one.findings)
    console.print(f"\n{wrong} things to mend, {known} to know.")


def passport(found: Passport) -> None:
    """The story of an order."""
    console.print(f"[bold]{found.title}[/]")
    for entry in found.entries:
        console.print(f"  {entry.at}  {entry.who:<16} {entry.what}", soft_wrap=True)
    if found.sale is None:
        console.print("In the books: nothing yet" + (" · it waits for a person" if found.waits else ""))
        return
    verdict = "[green]equal[/]" if found.matches else "[red]different[/]"
    waits = "it waits for a person" if found.waits else "nothing waits"
    total = found.sale - found.credited
    console.print(
        f"In the books: Sale {found.sale} − credit {found.credited} = {total} · shop says {found.shop} · "
        f"{verdict} · {waits}",
        soft_wrap=True,
    )


def letters(found: Sequence[Letter]) -> None:
    """The dead letters, one line each, with the fix under it."""
    if not found:
        console.print("Nothing waits for a person.")
        return
    rows = [
        (one.letter.dead_letter[:8], _state(one), _owner(one.letter.reason), one.letter.reason, one.letter.about)
        for one in found
    ]
    console.print(table(("id", "state", "who", "reason", "about"), rows))
    for one in found:
        console.print(f"  {one.letter.dead_letter[:8]}  {one.letter.detail}", soft_wrap=True)
    console.print(
        "\nOne, whole:  davtari dead-letters show ID      Again:  davtari dead-letters replay ID", soft_wrap=True
    )


def letter(found: Letter) -> None:
    """One dead letter, whole."""
    one = found.letter
    console.print(f"[bold]{one.reason}[/]   {one.about}   {_state(found)}   {one.at:%d %b %Y %H:%M:%S} UTC")
    console.print(f"  {one.detail}", soft_wrap=True)
    if told := known(one.reason):
        for language in (told.en, told.ka):
            console.print(f"  cause   {language.cause}\n  effect  {language.effect}\n  fix     {language.fix}\n")
    console.print_json(one.model_dump_json(include={"delivery", "record"}, exclude_none=True))


def _state(one: Letter) -> str:
    return "open" if one.settled is None else f"{one.settled.how} by {one.settled.by}"


def _owner(reason: str) -> str:
    told = known(reason)
    return told.owner if told else "integrator"


def standings(found: Iterable[Standing], open_letters: Sequence[Letter]) -> None:
    """How the services stand."""
    rows = [
        (
            one.service,
            "not started yet" if one.generation is None else "?" if one.lag is None else one.lag,
            sum(waiting.count for waiting in one.waiting if waiting.state == "pending"),
            sum(waiting.count for waiting in one.waiting if waiting.state != "pending"),
            _age(one),
            one.unpublished,
        )
        for one in found
    ]
    heads = ("service", "to read", "to deliver", "blocked", "oldest", "to publish")
    console.print(table(heads, rows, right=(1, 2, 3, 4, 5)))
    if not open_letters:
        console.print("Nothing waits for a person.")
        return
    console.print(f"[yellow]{len(open_letters)} dead letters wait for a person:[/] davtari dead-letters list")


def _age(one: Standing) -> str:
    oldest = min((waiting.oldest for waiting in one.waiting), default=None)
    return "" if oldest is None else f"{datetime.now(UTC).timestamp() - oldest:.0f} s"
