"""Personal data quoted by Balance is in no event, while the error stays readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.reasons import Reason
from services.engine.outbox.decision import Delivery
from services.engine.outbox.masking import redact_person
from services.engine.outbox.outcome import Refused, Unknown
from tests.outbox.bench import Script, open_bench, want
from tests.outbox.sample_service import LANE, handlers
from tests.privacy.people import PRIVATE, nino

CLIENT = {"ID": "01001234567", "Name": "Nino Beridze", "LegalForm": "ფიზიკური პირი", "uid": "5f0c7c3e"}
CASES: list[tuple[str, Any, str]] = [
    ("ID 01001234567 is taken", CLIENT, "ID ••• is taken"),
    ("Nino Beridze (01001234567)", CLIENT, "••• (•••)"),
    ("no legal form ფიზიკური პირი", CLIENT, "no legal form ფიზიკური პირი"),
    ("client 5f0c7c3e is locked", CLIENT, "client 5f0c7c3e is locked"),
    ("GE is no country", {"country": "GE", "phone": ""}, "GE is no country"),
    ("call +995599123456", {"order": {"phone": "+995599123456"}, "base": None}, "call •••"),
    ("all is well", None, "all is well"),
    ("NINO BERIDZE exists", CLIENT, "••• exists"),
    ("ნინო ბერიძეს აქვს", CLIENT, "•••ს აქვს"),
    ("ᲜᲘᲜᲝ ᲑᲔᲠᲘᲫᲔ", CLIENT, "•••"),
    ("Beridze, Nino", CLIENT, "•••, •••"),
    ("ID 010 0123-4567 is taken", CLIENT, "ID ••• is taken"),
    ("ID ０１００１２３４５６７", CLIENT, "ID •••"),
    ("phone 599 12-34 56 of (0)599123456", {"phone": "+995 599 123456"}, "phone ••• of (0)•••"),
    ("ia of Viaduct, IA", {"first_name": "Ia"}, "••• of Viaduct, •••"),
    ("li wrote", {"billing": {"last_name": "Li"}}, "••• wrote"),
    ("წერეთელი ქეთი, Ketevan", {"first_name": "Keti", "last_name": "Tsereteli"}, "•••, Ketevan"),
    ("Wereteli qeti", {"first_name": "ქეთი", "last_name": "წერეთელი"}, "•••"),
    ("Ch'avch'avadze", {"last_name": "ჭავჭავაძე"}, "•••"),
    ("at Nino@Example.GE now", {"email": "nino@example.ge"}, "at ••• now"),
    ("12 Rustaveli  Ave., Tbilisi", {"billing": {"address_1": "12 rustaveli ave"}}, "•••., Tbilisi"),
    ("12 pieces of 120", {"billing": {"address_1": "12"}}, "12 pieces of 120"),
    ("order 599123 of 2026-03-02", {"phone": "599123456"}, "order 599123 of 2026-03-02"),
    ("x" * 5000, {"first_name": "(a+)+$", "email": "x" * 400}, "•••" + "x" * 200),
]


@pytest.mark.parametrize(("text", "person", "masked"), CASES)
def test_only_values_of_the_person_are_masked(text: str, person: Any, masked: str) -> None:
    assert redact_person(text, person) == masked


def test_no_value_of_a_buyer_remains() -> None:
    masked = redact_person(" and ".join(PRIVATE), nino().model_dump(mode="json"))
    assert [text for text in PRIVATE if text in masked] == []


def client() -> Delivery:
    """A client to be created."""
    payload = {"identity": "i1", "person_ref": "p1", "person": CLIENT}
    return Delivery(id="client:main:998", kind="client", lane=LANE, key="i1", payload=payload)


@pytest.mark.claim("S2.16")
async def test_a_dead_letter_and_its_attempts_contain_no_personal_data(tmp_path: Path) -> None:
    script = Script()
    async with open_bench(tmp_path, handlers(script)) as bench:
        await want(bench, script, client())
        await bench.settle((await bench.due())[0], Unknown("no answer about Nino Beridze"))
        bench.clock.advance(3600)
        await bench.settle((await bench.due())[0], Refused(Reason.BALANCE_REFUSED, "ID 01001234567 is taken"))
        (dead_letter,) = await bench.dead_letters()
    assert dead_letter.detail == "ID ••• is taken"
    assert dead_letter.delivery and [one.detail for one in dead_letter.delivery.attempts] == ["no answer about •••"]
    assert (dead_letter.person, dead_letter.person_ref) == (CLIENT, "p1")
    outside = dead_letter.model_dump_json(exclude={"person"})
    assert [text for text in ("01001234567", "Beridze") if text in outside] == []
