"""Clients in bulk between the sandboxes of a shop and of Balance: looked at first, made once, counted with reasons."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer

from services.accounting.documents.ids import client_uid
from services.cli.clients import bulk, transfer
from services.sandbox.woocommerce.customers import Customers
from services.settings import SettingsError
from services.settings.clients import CustomerExport
from tests.cli.clients_bench import RULES, Both, both
from tests.support.exporting import COMPANY_ID, PERSONAL_ID, settings

CONSENT = CustomerExport(consent_field="AdditionalRequisites1")
ADDRESS = {"first_name": "ნინო", "last_name": "სატესტო", "address_1": "ნიმუშის ქ. 3", "city": "თბილისი"}


def person(number: str = PERSONAL_ID) -> dict[str, dict[str, str]]:
    """An account with a personal number."""
    return {"meta": {"billing_personal_id": number}, "billing": ADDRESS}


async def looked_at(world: Both) -> list[transfer.ImportVerdict]:
    there = await transfer.index_by_number(world.balance.every_client())
    return await transfer.plan_import(world.shop.every_customer(), there, RULES)


async def imported(world: Both, on_progress: Callable[[int], None] = lambda _: None) -> list[transfer.ImportVerdict]:
    return await transfer.create_clients(await looked_at(world), world.balance, on_progress)


async def exported(
    world: Both, consent: CustomerExport = CONSENT, *, write: bool = True
) -> list[transfer.ExportVerdict]:
    there = await transfer.index_by_email(world.shop.every_customer())
    found = await transfer.plan_export(
        world.balance.every_client(), there, transfer.ExportRules(consent, "billing_company_code")
    )
    return await transfer.create_accounts(found, world.shop, lambda _: None) if write else found


def outcomes(done: list[transfer.ImportVerdict] | list[transfer.ExportVerdict]) -> list[tuple[str, str]]:
    return [(one.outcome, one.why) for one in done]


@pytest.mark.claim("S2.21")
async def test_accounts_with_a_number_become_clients_and_the_others_are_counted_with_their_reason() -> None:
    async with both() as world:
        world.client(ID=COMPANY_ID, Name="შპს ნიმუში", Phone="032 2 00 00 00")
        world.account("nino@example.test", **person())
        world.account("nino2@example.test", **person(f" {PERSONAL_ID}"))
        world.account("guest@example.test")
        world.account("typo@example.test", **person("123"))
        world.account("firm@example.test", meta={"billing_company_code": COMPANY_ID})
        done = await imported(world)
        assert outcomes(done) == [
            ("created", ""),
            ("skipped", transfer.SAME_NUMBER),
            ("skipped", transfer.NO_NUMBER),
            ("skipped", transfer.BAD_NUMBER),
            ("exists", ""),
        ]
        made = world.books.clients.get(client_uid(PERSONAL_ID))
        assert made is not None
        assert (made["Name"], made["ExtCode"], made["Email"]) == ("ნინო სატესტო", "woo-main-2", "nino@example.test")
        assert (done[0].client, done[0].code) == (made["uid"], made["Code"])


@pytest.mark.claim("S2.21")
async def test_a_preview_and_a_second_import_write_nothing() -> None:
    async with both() as world:
        world.account("nino@example.test", **person())
        assert outcomes(await looked_at(world)) == [("new", "")]
        assert len(world.books.clients) == 0
        await imported(world)
        revisions = dict(world.books.clients.revisions)
        assert outcomes(await looked_at(world)) == outcomes(await imported(world)) == [("exists", "")]
        assert dict(world.books.clients.revisions) == revisions


async def test_a_client_created_meanwhile_is_not_changed() -> None:
    async with both() as world:
        world.account("nino@example.test", **person())
        plan = await looked_at(world)
        uid = world.client(ID=PERSONAL_ID, Name="by hand")
        [done] = await transfer.create_clients(plan, world.balance, lambda _: None)
        assert (done.outcome, done.client, world.books.clients.revisions[uid]) == ("exists", uid, 1)


async def test_a_refused_client_does_not_stop_the_others_and_progress_is_reported() -> None:
    async with both() as world:
        for number in range(60):
            world.account(f"a{number}@example.test", **person(f"010010000{number:02}"))
        plan = await looked_at(world)
        document = {**(plan[7].document or {}), "Name": ""}
        plan[7] = transfer.ImportVerdict(plan[7].customer_id, "new", document=document)
        heard: list[int] = []
        done = await transfer.create_clients(plan, world.balance, heard.append)
        assert (heard, len(world.books.clients)) == ([25, 50, 60], 59)
        assert [one.outcome for one in done].count("failed") == 1
        assert "Name" in done[7].why


async def test_a_customer_who_is_deleted_in_the_shop_changes_nothing_in_balance() -> None:
    async with both() as world:
        account = world.account("nino@example.test", **person())
        await imported(world)
        before = list(world.books.clients.rows())
        Customers(world.store).delete(account, force=True)
        assert world.store.customers == {}
        assert await imported(world) == []
        assert list(world.books.clients.rows()) == before


@pytest.mark.claim("S4.8")
async def test_only_companies_with_an_email_and_consent_become_customers() -> None:
    async with both() as world:
        agreed = {"AdditionalRequisites1": "დიახ"}
        firm = world.client(ID=COMPANY_ID, Name="შპს ნიმუში", Email="Firm@example.test", Phone="0322000000", **agreed)
        world.client(ID="999567891", Name="no consent", Email="other@example.test")
        world.client(ID="999567892", Name="no e-mail", **agreed)
        world.client(ID=PERSONAL_ID, Name="a person", Email="nino@example.test", **agreed)
        world.client(ID="999567893", Name="its twin", Email="firm@example.test", **agreed)
        assert outcomes(await exported(world, write=False))[0] == ("new", "")
        assert world.store.customers == {}
        assert outcomes(await exported(world)) == [
            ("created", ""),
            ("skipped", transfer.NOT_AGREED),
            ("skipped", transfer.NO_EMAIL),
            ("skipped", transfer.NO_COMPANY),
            ("skipped", transfer.SAME_EMAIL),
        ]
        [made] = world.store.customers.values()
        assert (made["email"], made["billing"]["company"]) == ("firm@example.test", "შპს ნიმუში")
        kept = {each["key"]: each["value"] for each in made["meta_data"]}
        assert kept == {transfer.UID_META: firm, "billing_company_code": COMPANY_ID}


@pytest.mark.claim("S4.8")
async def test_an_existing_account_is_not_changed_and_a_second_export_creates_nothing() -> None:
    async with both() as world:
        world.account("FIRM@example.test", billing={"company": "as they call themselves"})
        world.client(ID=COMPANY_ID, Name="შპს ნიმუში", Email="firm@example.test", AdditionalRequisites1="yes")
        assert outcomes(await exported(world)) == [("exists", "")]
        [kept] = world.store.customers.values()
        assert kept["billing"]["company"] == "as they call themselves"


@pytest.mark.parametrize("named", [PERSONAL_ID, "nino@example.test"])
async def test_a_consent_list_may_name_any_client(named: str) -> None:
    async with both() as world:
        world.client(ID=PERSONAL_ID, Name="a person", Email="Nino@example.test")
        assert outcomes(await exported(world, CustomerExport(consent_list=(named,)))) == [("created", "")]


async def test_an_export_interrupted_after_the_account_was_created_finds_it() -> None:
    async with both() as world:
        world.client(ID=COMPANY_ID, Name="შპს ნიმუში", Email="firm@example.test", AdditionalRequisites1="yes")
        plan = await exported(world, write=False)
        world.account("firm@example.test")
        [done] = await transfer.create_accounts(plan, world.shop, lambda _: None)
        assert (done.outcome, "already registered" in done.why) == ("failed", True)
        assert outcomes(await exported(world)) == [("exists", "")]


@pytest.mark.claim("S3.31", "S4.8")
def test_nobody_is_exported_without_consent_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bulk, "read_settings", settings)
    with pytest.raises(typer.Exit) as ended:
        bulk.export_clients("main")
    assert ended.value.exit_code == 2
    assert "without consent nobody is exported" in capsys.readouterr().err


@pytest.mark.parametrize("flow", ["dry-run", "off"])
async def test_nothing_is_written_before_orders_are_live(monkeypatch: pytest.MonkeyPatch, flow: str) -> None:
    monkeypatch.setattr(bulk, "read_settings", lambda: settings(flow))
    with pytest.raises(SettingsError, match=r'flows\.orders is not "live"'):
        await bulk.import_clients("main", write=True, json=False)
