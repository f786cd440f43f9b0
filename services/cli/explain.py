"""`davtari explain`: the meaning of reason codes, and who resolves them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, get_args

import typer

from contracts.reason_texts import SENTENCES, ReasonText, all_texts, text_of
from contracts.reasons import Reason
from services.cli.command import InvalidArgument, Json, command
from services.cli.screen import build_table, compose, console, print_json, print_labelled, styled
from services.settings.translation import Language, translate_reason, translator


def show_reasons(code: str | None, language: str, *, json: bool) -> None:
    """Print one reason code, or all. Raises `InvalidArgument` for an unknown code."""
    found = {_reason(code): text_of(_reason(code))} if code else all_texts()
    if json:
        print_json([_to_data(reason, text) for reason, text in found.items()])
    elif code:
        for reason, text in found.items():
            _show_reason(reason, text, language)
    else:
        _show_all(found, language)


def _reason(code: str) -> Reason:
    if code in set(Reason):
        return Reason(code)
    near = get_close_matches(code, [*Reason], n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "davtari explain lists all"
    raise InvalidArgument(f"Unknown reason code {code!r}; {hint}")


def _to_data(reason: Reason, text: ReasonText) -> dict[str, Any]:
    texts = {
        language: translate_reason(text, language).model_dump(include=set(SENTENCES)) for language in get_args(Language)
    }
    return {"code": reason, "owner": text.owner, "resolves_by_itself": text.resolves_by_itself, **texts}


def _show_reason(reason: Reason, text: ReasonText, language: str) -> None:
    _, wording = translator(language), translate_reason(text, language)
    closes = (
        _("resolves by itself once the cause is gone") if text.resolves_by_itself else _("does not resolve by itself")
    )
    who = _(text.owner)
    console.print(compose(styled(reason, "bold"), f"   {who} · {closes}"))
    print_labelled({_("cause"): wording.cause, _("effect"): wording.effect, _("fix"): wording.fix})


def _show_all(found: dict[Reason, ReasonText], language: str) -> None:
    _ = translator(language)
    rows = [
        (reason, _(text.owner), "✓" if text.resolves_by_itself else "", _(text.cause)) for reason, text in found.items()
    ]
    console.print(build_table((_("code"), _("who"), _("by itself"), _("cause")), rows))
    console.print()
    console.print(f"{len(found)}:  davtari explain CODE --lang {language}")


@command
async def explain_command(
    code: Annotated[str | None, typer.Argument(help="A reason code such as record.bad-headers.")] = None,
    language: Annotated[Language, typer.Option("--lang", help="The language of the texts.")] = "en",
    json: Json = False,
) -> int:
    """Explain a reason code: cause, effect, fix, and who resolves it. Without a code, list all."""
    show_reasons(code, language, json=json)
    return 0
