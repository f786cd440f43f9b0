"""Clients. Name and ID are required; every other field has a default (Balance fact 36)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

from services.sandbox.balance.errors import ExchangeRefusal, error_text
from services.sandbox.balance.record import ZERO, Row, is_empty, is_uid, make_uid
from services.sandbox.balance.settings import BalanceSandboxSettings

DEFAULTS: Row = {
    "uid": "", "Code": "", "Name": "", "FullName": "", "ID": "", "Group": ZERO, "IsGroup": False,
    "LegalForm": "შეზღუდული პასუხისმგებლობის საზოგადოება", "VATType": "დღგ-ს გადამხდელი", "Currency": "GEL",
    "ByAgreements": False, "MainAgreement": "", "ReceivablesAccount": "1410.01", "AdvancesAccount": "3120",
    "CashFlowArticle": "", "SettlementByDocuments": False, "IsPlannedAccruals": False, "VATArticle": "",
    "LegalAddress": "", "PhysicalAddress": "", "Phone": "", "Fax": "", "Email": "", "PostAddress": "",
    "AdditionalInformation": "", "Country": "", "ExtCode": "", "BankAccount": "", "PriceType": "",
    "ThisIsHeadBranch": False, "AccordingToHeadBranches": False, "HeadBranch": "",
    "DoNotCreateWayBillAutomatically": False, "SalesRepresentative": "",
    "AdditionalRequisites1": "", "AdditionalRequisites2": "", "AdditionalRequisites3": "",
    "ContactInformation": [], "Emails": [], "Phones": [], "SettlementConditions": [], "Plannedaccruals": [],
}  # fmt: skip
NAMES = {name.lower(): name for name in DEFAULTS}
REQUIRED = ("Name", "ID")
TEXT_KEYS = ("ID", "Name", "Code", "ExtCode")


class SandboxClients:
    """Customers by uid; `revisions` counts how often each was written."""

    def __init__(self) -> None:
        self._own: dict[str, Row] = {}
        self._numbers = count(1)
        self.marked: set[str] = set()
        self.revisions: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._own)

    def __contains__(self, uid: str) -> bool:
        return uid in self._own

    def get(self, uid: str) -> Row | None:
        """One client with all fields; a deletion mark shows as DeletionMark."""
        own = self._own.get(uid)
        return None if own is None else self._whole(own)

    def rows(self) -> Iterator[Row]:
        """Every client, oldest first."""
        return (self._whole(own) for own in list(self._own.values()))

    def find_by_text(self, written: str) -> str | None:
        """The uid of the one client with this ID, name, code or external code; None if none or several."""
        fitting = {uid for uid, own in self._own.items() if any(own.get(key) == written for key in TEXT_KEYS)}
        return fitting.pop() if len(fitting) == 1 else None

    def keep(self, known: str, own: Row) -> Row:
        """Stores a client's fields under a uid and counts the write; assigns a code if it has none."""
        code = own.get("Code") or self._own.get(known, {}).get("Code") or f"{len(self._own) + 1:09}"
        self._own[known] = own | {"uid": known, "Code": code}
        self.revisions[known] += 1
        self.marked.discard(known)
        return self._whole(self._own[known])

    def new_uid(self) -> str:
        """A uid of Balance's own making."""
        return make_uid("server-client", next(self._numbers))

    def _whole(self, own: Row) -> Row:
        marked: Row = {"DeletionMark": True} if own["uid"] in self.marked else {}
        return DEFAULTS | {"FullName": own.get("Name", "")} | own | marked


def put_client(clients: SandboxClients, sent: Row, settings: BalanceSandboxSettings) -> Row:
    """Updates the client with this uid, or creates one (PUT, and POST with a uid). Raises `ExchangeRefusal`."""
    wanted = str(sent.get("uid") or "").lower()
    if wanted and not is_uid(wanted):
        raise ExchangeRefusal(
            settings.rules.error_status, [error_text(settings.dialect.language, "reference", field="uid", value=wanted)]
        )
    own_uid = wanted in clients or settings.dialect.own_uid == "honoured"
    known = wanted if wanted not in ("", ZERO) and own_uid else clients.new_uid()
    return store_client(clients, known, proper_fields(sent, settings), settings)


def patch_client(clients: SandboxClients, sent: Row, settings: BalanceSandboxSettings) -> Row:
    """Changes the named fields of an existing client (Balance fact 9). Raises `ExchangeRefusal`."""
    known = str(sent.get("uid") or "").lower()
    earlier = clients.get(known)
    if earlier is None:
        raise ExchangeRefusal(settings.rules.error_status, [error_text(settings.dialect.language, "uid", value=known)])
    return store_client(clients, known, earlier | proper_fields(sent, settings), settings)


def store_client(clients: SandboxClients, known: str, own: Row, settings: BalanceSandboxSettings) -> Row:
    """Keeps a client that has what is required."""
    language = settings.dialect.language
    wrong = [error_text(language, "missing", field=name) for name in REQUIRED if is_empty(own.get(name))]
    if settings.rules.unique_client_id and is_id_taken(clients, known, own.get("ID")):
        wrong.append(error_text(language, "client-id", value=own["ID"]))
    if wrong:
        raise ExchangeRefusal(settings.rules.error_status, wrong)
    return clients.keep(known, own)


def is_id_taken(clients: SandboxClients, known: str, number: Any) -> bool:
    """Whether another client has this ID."""
    return any(row["ID"] == number and row["uid"] != known for row in clients.rows())


def proper_fields(sent: Row, settings: BalanceSandboxSettings) -> Row:
    """The known fields under their proper names; unknown ones are dropped, or refused if the dialect does."""
    unknown = [name for name in sent if name.lower() not in NAMES]
    if unknown and settings.dialect.unknown_fields == "refused":
        raise ExchangeRefusal(400, [error_text(settings.dialect.language, "field", field=name) for name in unknown])
    known = {NAMES[name.lower()]: value for name, value in sent.items() if name.lower() in NAMES}
    return {name: "" if value is None else value for name, value in known.items()}
