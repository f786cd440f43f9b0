"""`davtari explain`: what a reason code means, for the shop and the books, and who mends it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Literal

import typer

from contracts.reason_texts import ReasonText, all_texts, texts
from contracts.reasons import Reason
from services.commands.frame import Json, command
from services.commands.letters import WrongUse
from services.commands.screen import as_json, console, table

HEALS = {
    "en": ("not by itself", "by itself, once the cause is gone"),
    "ka": ("თავისით არა", "თავისით, როცა მიზეზი აღარაა"),
}
HEADS = {"en": ("code", "who", "heals", "cause"), "ka": ("კოდი", "ვინ", "გასწორდება", "მიზეზი")}
LABELS = {"en": ("cause", "effect", "fix"), "ka": ("მიზეზი", "შედეგი", "რა ვქნა")}


def explain(code: str | None, language: str, *, json: bool) -> None:
    """Show one code, or all of them. Raises `WrongUse` for a code that there is not."""
    found = {_reason(code): texts(_reason(code))} if code else all_texts()
    if json:
        as_json([_plain(reason, text) for reason, text in found.items()])
    elif code:
        for reason, text in found.items():
            _one(reason, text, language)
    else:
        _all(found, language)


def _reason(code: str) -> Reason:
    if code in set(Reason):
        return Reason(code)
    near = get_close_matches(code, [*Reason], n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "davtari explain lists all of them"
    raise WrongUse(f"there is no reason code {code!r}; {hint}")


def _plain(reason: Reason, text: ReasonText) -> dict[str, Any]:
    return {"code": reason, **text.model_dump()}


def _one(reason: Reason, text: ReasonText, language: str) -> None:
    told = text.ka if language == "ka" else text.en
    console.print(f"[bold]{reason}[/]   {text.owner} · {HEALS[language][text.heals]}")
    for label, sentence in zip(LABELS[language], (told.cause, told.effect, told.fix), strict=True):
        console.print(f"  {label:<8}{sentence}", markup=False, soft_wrap=True)


def _all(found: dict[Reason, ReasonText], language: str) -> None:
    rows = [
        (reason, text.owner, "✓" if text.heals else "", (text.ka if language == "ka" else text.en).cause)
        for reason, text in found.items()
    ]
    console.print(table(HEADS[language], rows))
    console.print(f"\n{len(found)}:  davtari explain CODE [--lang {language}]")


@command
async def explain_command(
    code: Annotated[str | None, typer.Argument()] = None,
    language: Annotated[Literal["en", "ka"], typer.Option("--lang")] = "en",
    json: Json = False,
) -> int:
    """What a reason code means: cause, effect, fix, who mends it. Without a code: all of them."""
    explain(code, language, json=json)
    return 0
