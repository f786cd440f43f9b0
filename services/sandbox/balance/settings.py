"""Settings of a Balance sandbox: its dialect, access rights, and posting rules.

Each unknown of the Exchange API is one switch; its default is the behaviour best evidenced. All of it can be changed at
run time (`PUT /_sandbox/settings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Parameter = Literal["accepted", "needed", "rejected"]
TextReference = Literal["dropped", "resolved", "refused"]


class SandboxSettingsGroup(BaseModel):
    """A frozen group of settings; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SandboxDialect(SandboxSettingsGroup):
    """How answers look and which parameters are understood."""

    decimals: Literal["dot", "comma"] = Field("dot", description='"1234.5" or "1234,5"')
    thousands: Literal["none", "space", "no-break", "narrow"] = Field("none", description='"1 234,5": which space')
    numbers: Literal["text", "number"] = Field("text", description="numbers as JSON text or as JSON numbers")
    booleans: Literal["text", "bool"] = Field("text", description='IsGroup and the like: "true" or true')
    empties: Literal["text", "null", "missing"] = Field("text", description='an empty field: "", null or left out')
    empty_reference: Literal["zero", "text"] = Field("zero", description='an empty reference: zero GUID or ""')
    discount_dates: Literal["dotted", "iso"] = Field("dotted", description="DD.MM.YYYY or YYYY-MM-DD in Discounts")
    casing: Literal["documented", "variant"] = Field("documented", description="VATRate or VATrate, and the like")
    read_names: Literal["written", "accounting"] = Field(
        "written", description="document fields on GET: as written (AccountNumber) or otherwise (AccountingAccount)"
    )
    wrapper: str = Field("", pattern=r"^\w*$", description='"" for a bare array, or the key around it: Source, Items')
    single_object: bool = Field(False, description="one row comes as an object instead of a one-element array")
    no_match: Literal["not-found", "empty"] = Field("not-found", description="no row: 404 Not Found, or 200 []")
    paging: Literal["supported", "ignored", "rejected"] = Field("supported", description="Pack and PackSize")
    paged: frozenset[str] = Field(frozenset({"Items", "ItemPricing"}), description="resources that know Pack/PackSize")
    page_beyond: Literal["empty", "not-found"] = Field("empty", description="a Pack after the last one")
    unknown_parameter: Literal["rejected", "ignored"] = Field("rejected", description="404 Unknown parameter, or not")
    uid_parameter: Parameter = Field(
        "accepted", description="`uid` on Stocks, Prices, ItemPricing; needed: no row else"
    )
    source_parameter: Parameter = Field("accepted", description="`Source` on Stocks, Prices; needed: no row else")
    empty_uid_status: int | None = Field(502, description="answer to an empty `uid=`; None takes it as absent")
    stocks_total: Literal["detailed", "summed"] = Field("detailed", description="Stocks without a Total parameter")
    zero_stock: Literal["absent", "listed"] = Field("absent", description="Stocks rows of items without stock")
    reserve: bool = Field(True, description="Stocks rows carry Reserve")
    series_bulk: bool = Field(True, description="ItemsSeries may be read without Item; else 403")
    content_type_on_get: Literal["ignored", "forbidden"] = Field("ignored", description="403 on a GET with that header")
    credit_note_resource: Literal["SalesCredit", "SalesCreditNote"] = "SalesCredit"
    receipt_resources: tuple[str, ...] = Field(
        ("BankOrder", "CashIncomeOrder"), description="kinds of receipts (titles are known, names and fields are not)"
    )
    sales_order_resource: Literal["SalesOrders", "SalesOrder"] = "SalesOrders"
    posted_field: str = Field("", pattern=r"^\w*$", description='a Sale\'s field for posted or not; "": there is none')
    own_uid: Literal["honoured", "replaced"] = Field(
        "honoured", description="whether the sent uid of a new record is kept"
    )
    echo: Literal["array", "object", "empty"] = Field("array", description="the body that answers a write")
    item_text: TextReference = Field("dropped", description="a line's Item that is no GUID: left empty, looked up, no")
    reference_text: TextReference = Field("refused", description="a Client or Warehouse that is no GUID")
    vat_rate_text: Literal["accepted", "dropped"] = Field("accepted", description="a line's VATRate as display text")
    unknown_fields: Literal["ignored", "refused"] = Field("ignored", description="written fields that nobody knows")
    language: Literal["ka", "ru"] = Field("ka", description="language of the error texts")


class AccessRights(SandboxSettingsGroup):
    """Who may sign in, and what is closed to that user."""

    user_name: str = "integration"
    password: str = "sandbox"
    forbidden: frozenset[str] = Field(frozenset(), description='answered 403: "ItemsSeries", or "PUT Sale"')
    only_under: dict[str, Literal["o", "a"]] = Field({}, description="resources forbidden under the other publication")


class PostingRules(SandboxSettingsGroup):
    """What Balance refuses when a document is posted."""

    error_status: Literal[400, 500] = Field(400, description="the status that comes with an Error list")
    array: Literal["atomic", "each"] = Field("atomic", description="do documents before a refused one stay?")
    failed_posting: Literal["nothing", "draft"] = Field("nothing", description="what a refused posting leaves behind")
    mandatory_sale: tuple[str, ...] = ("Date", "Warehouse", "Client", "Items")
    mandatory_credit_note: tuple[str, ...] = ("Date", "OperationType", "Warehouse", "Client", "Items")
    mandatory_receipt: tuple[str, ...] = ("Date", "Client", "Amount", "PaymentAccount")
    sale_operations: tuple[str, ...] = Field((), description="allowed OperationType texts; none: anything goes")
    amount_tolerance: Decimal | None = Field(None, description="|Amount - Quantity × price| allowed; None: unchecked")
    negative_amounts: Literal["accepted", "services", "refused"] = Field("accepted", description="lines below zero")
    negative_quantities: Literal["refused", "services"] = "refused"
    allow_negative_stock: bool = True
    series_required: bool = Field(False, description="lines of items with lots must name one")
    lock_date: date | None = Field(None, description="documents dated before it are refused (period closed)")
    currency_rates: dict[str, Decimal] = Field(
        {}, description="currency uid → official rate that a document without one gets (inferred)"
    )
    second_credit_note: Literal["allowed", "refused"] = "allowed"
    unique_client_id: bool = False


class BalanceSandboxSettings(SandboxSettingsGroup):
    """All of a Balance sandbox's settings."""

    application_id: str = Field("1234", pattern=r"^\d+$")
    on_prem_base: str = Field("/Balance_Exchange", pattern=r"^/[^/]+$", description="publication path on-prem")
    dialect: SandboxDialect = SandboxDialect()
    rights: AccessRights = AccessRights()
    rules: PostingRules = PostingRules()

    def changed(self, change: Mapping[str, Any]) -> Self:
        """These settings with the named ones changed: `{"dialect": {"decimals": "comma"}}`.

        Raises pydantic's ValidationError for an unknown name or value.
        """
        return self.model_validate(merge_settings(self.model_dump(), change))


def merge_settings(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `change` laid over the part settings; everything else is replaced."""
    result = dict(base)
    for key, value in change.items():
        part = key in ("dialect", "rights", "rules") and isinstance(value, Mapping)
        result[key] = result[key] | dict(value) if part else value
    return result
