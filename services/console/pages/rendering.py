"""Templates, and how money, times and names are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.engine.clock import TBILISI
from services.engine.printable import make_printable
from services.settings.translation import Language, translator

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")
NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
SIGNS = {"GEL": "₾", "USD": "$", "EUR": "€"}


def _(text: str) -> str:
    return text


MONTHS = (
    *(_("Jan"), _("Feb"), _("Mar"), _("Apr"), _("May"), _("Jun")),
    *(_("Jul"), _("Aug"), _("Sep"), _("Oct"), _("Nov"), _("Dec")),
)
DOCUMENT_NAMES = {
    "sale": _("Sale"),
    "credit-note": _("Credit note"),
    "receipt": _("Payment receipt"),
    "sales-order": _("Sales order"),
    "return": _("Return"),
}
DOCUMENT_STATES = (_("recorded"), _("planned"), _("ended"), _("open"))
UNITS = ((86_400, _("{count} d")), (3600, _("{count} h")), (60, _("{count} min")), (1, _("{count} s")))


def render(template: str, language: Language, now: datetime, values: Mapping[str, Any]) -> str:
    """The HTML of a template."""
    filters = {
        "when": lambda moment: format_moment(moment, now, language),
        "day": lambda day: format_day(day, language),
        "age": lambda moment: format_age((now - moment).total_seconds(), language),
    }
    return _environment().get_template(template).render({**values, **filters, "language": language})


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_show_hidden,
    )
    made.globals |= {
        "money": format_money,
        "static": static_url,
        "quantity": format_quantity,
        "pretty": format_json,
        "with_code": show_code,
        "document_names": DOCUMENT_NAMES,
    }
    return made


def _show_hidden(value: Any) -> Any:
    """Every text on a page: hidden characters are shown, so that no name can look like another one."""
    return make_printable(value, keep_lines=True) if type(value) is str else value


@cache
def static_url(name: str) -> str:
    """The address of a file in `static`, with its digest: browsers keep it until it changes."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def format_money(amount: Decimal | None, currency: str = "GEL") -> str:
    """An amount as `1,234.56 ₾`; a dash if there is none."""
    if amount is None:
        return "–"
    return f"{amount:,.2f}".replace("-", MINUS) + NO_BREAK + SIGNS.get(currency, currency)


def format_quantity(quantity: Decimal | int | None) -> str:
    """A quantity without needless zeros."""
    if quantity is None:
        return "–"
    text = f"{Decimal(quantity):,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def format_json(value: Any) -> str:
    """Data as indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def show_code(text: str) -> Markup:
    """A text in which parts between backticks are code."""
    parts = make_printable(text, keep_lines=True).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(parts))


def format_moment(moment: datetime, now: datetime, language: Language) -> Markup:
    """A moment in Tbilisi: the time alone today, else with the date, and the year if it is another one."""
    local, today = moment.astimezone(TBILISI), now.astimezone(TBILISI)
    day = "" if local.date() == today.date() else _day(local.date(), language, today.year) + " "
    full = f"{_day(local.date(), language, None)} {local:%H:%M:%S}"
    html = Markup('<time datetime="{iso}" title="{full}">{text}</time>')
    return html.format(iso=local.isoformat(timespec="seconds"), full=full, text=f"{day}{local:%H:%M}")


def format_day(day: date, language: Language) -> Markup:
    """A day with its year."""
    return Markup('<time datetime="{iso}">{text}</time>').format(iso=day.isoformat(), text=_day(day, language, None))


def _day(day: date, language: Language, this_year: int | None) -> str:
    text = f"{day.day} {translator(language)(MONTHS[day.month - 1])}"
    return (text if day.year == this_year else f"{text} {day.year}").replace(" ", NO_BREAK)


def format_age(seconds: float, language: Language) -> str:
    """An age in the largest unit that fits: `3 h`."""
    size, text = next(((size, text) for size, text in UNITS if seconds >= size), UNITS[-1])
    return translator(language)(text).format(count=max(0, int(seconds // size))).replace(" ", NO_BREAK)
