"""The connection to Balance and its dialect: every unknown of the Exchange API is a setting with a preset."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from services.settings.base import Amount, Pattern, Section, WebAddress, read_secret

# The named presets of Balance's integration profiles (claims S0.28, S1.2), and of the ownership of fields.

PRESETS: dict[str, dict[str, Any]] = {
    "b2c": {},
    "storera": {"sku-field": "InternalArticle", "paging": ["Items", "ItemPricing"], "item-pricing": True},
    "vendoo": {"sku-field": "Code", "publication-of": {"Stocks": "a", "Prices": "a", "SalesCredit": "a"}},
}

OwnershipPreset = Literal["balance", "prices", "create-only", "stock-only", "keep-edits"]
FIELDS = ("name", "regular_price", "sale_price", "weight", "category")
OWNERSHIP: dict[str, dict[str, str]] = {
    "balance": dict.fromkeys(FIELDS, "always"),
    "prices": dict.fromkeys(FIELDS, "never") | {"regular_price": "always", "sale_price": "always"},
    "create-only": dict.fromkeys(FIELDS, "never"),
    "stock-only": dict.fromkeys(FIELDS, "never"),
    "keep-edits": dict.fromkeys(FIELDS, "if-unchanged"),
}
"""Who owns the fields of a product that is there already (claims S0.16, S2.8, S3.4).

`create-only`: a new product is made whole, as a draft; one that is there is never written again but its stock.
`stock-only`: no product is ever made nor written but its stock. Products are made in the shop, and linked by SKU.
"""


# Balance's discounts as a source of sale prices: off, until somebody says so.


class DiscountSettings(Section):
    """What of Balance's resource `Discounts` is taken. A shop uses them with `shops.….prices.discounts`."""

    read: bool = Field(default=False, description="read them with every import of prices")
    resource: str = Field(default="Discounts", description="as this build of Balance names the resource")
    unconditional: tuple[str, ...] = Field(
        default=("უპირობოდ",), description="texts of DiscountCondition that ask for nothing; any other is left out"
    )
    special_price: bool = Field(default=False, description="take SpecialPrice too, as the price itself")
    dateless: bool = Field(default=False, description="take discounts without a date too, as always on")
    all_goods: bool = Field(default=False, description="take discounts that name no item too, for every item")


# Sales orders, posting, waybills and missing stock: no public source states how Balance names these, so they are off or
# a guess until the settings say it.

SHORT_STOCK = (
    r"not enough (stock|goods|quantity)|insufficient (stock|quantity)",
    r"недостаточно (остатк|товар|количеств)|не хватает (товар|остатк)",
    r"არ არის საკმარისი (ნაშთ|რაოდენობ|მარაგ)|არასაკმარისი (ნაშთ|რაოდენობ|მარაგ)",
)


class DocumentDialect(Section):
    """The names of what goes beyond a plain Sale."""

    sales_order_resource: str = Field(
        default="SalesOrders", description="or SalesOrder; used only where a rule asks for sales orders"
    )
    sales_order_reserve: Literal["lines", "automatic", "none"] = Field(
        default="lines", description="how a sales order reserves: Reserve on each line, AutomaticReservation, or not"
    )
    posted_field: str | None = Field(
        default=None, description="the field that says whether a Sale is posted; no public source names one"
    )
    waybill_field: str | None = Field(
        default=None, description="the field that says whether Balance issues the waybill; else the comment says it"
    )
    short_stock: tuple[Pattern, ...] = Field(
        default=SHORT_STOCK, description="patterns of the refusals that mean that the warehouse lacks the goods"
    )


CLOUD = "https://cloud.balance.ge/sm/{publication}/Balance/{application_id}/hs/Exchange"

PERIOD_CLOSED = (
    r"period\b.{0,60}\bclosed|closed\b.{0,60}\bperiod",
    r"период\w*\b.{0,60}\bзакрыт|закрыт\w*\b.{0,60}\bпериод|запрет\w* (изменени|редактирова)|дат\w* запрета",
    r"პერიოდ.{0,60}დახურ|დახურ.{0,60}პერიოდ",
)


UNAVAILABLE = (
    r"(infobase|database)\b.{0,40}\b(locked|being updated)|exclusive(ly)? (mode|lock)|deadlock|lock conflict",
    r"sessions?\b.{0,40}\b(prohibited|denied|not allowed|terminated)",
    r"no (free |available )?licen[cs]e|licen[cs]e\b.{0,30}\bnot (found|available)",
    r"сеанс\w*\b.{0,60}(запрещ|невозмож|заверш|прерван)|монопольн|взаимоблокиров|конфликт\w* блокиров",
    r"(информационн\w+ баз\w+|объект|данны\w+)\b.{0,60}заблокирован",
    r"лицензи\w*\b.{0,40}не (найден|обнаруж)|не (найден|обнаруж)\w*.{0,40}лицензи",
    r"(регламентн|техническ)\w+ работ|обновлени\w+ (информационной базы|конфигурации)",
    r"ბაზა.{0,40}დაბლოკილ|სეანს.{0,60}(აკრძალულ|შეწყ|დასრულ)|მონოპოლიურ|ლიცენზია.{0,40}(ვერ|არ) |ტექნიკური სამუშაო",
)


class ListTexts(Section):
    """The localized texts of Balance's lists, as this Balance spells them (Balance fact 14: spellings differ)."""

    vat_taxable: str = "იბეგრება დღგ-ით"
    sale_operation: str = "მიწოდება კომპენსაციით"
    sale_vat_article: str = "მიწოდება კომპენსაციით"
    return_operation: str = "დაბრუნება"
    correction_operation: str = "ფასის კორექტირება"
    receipt_operation: str = "თანხის მიღება მყიდველისგან"
    individual: str = "ფიზიკური პირი"
    company: str = "შეზღუდული პასუხისმგებლობის საზოგადოება"
    sole_trader: str | None = Field(
        default=None, description="the legal form of a company with a personal number; none: that of a person"
    )
    goods: tuple[str, ...] = ("საქონელი", "goods", "Goods", "Товар")
    services: tuple[str, ...] = ("მომსახურება", "service", "Service", "Услуга")


class Dialect(DocumentDialect):
    """The dialect of this build of Balance. Only what differs from the preset needs to be in the settings."""

    sku_field: str = Field(default="InternalArticle", description="the item field that is the shop's SKU")
    paging: tuple[str, ...] = Field(default=(), description="resources read with Pack/PackSize")
    page_size: int = Field(default=500, ge=1)
    uid_parameter: dict[str, str] = Field(default_factory=dict, description="constant `uid` per resource, if needed")
    source_parameter: dict[str, str] = Field(default_factory=dict, description="`Source` per resource, if needed")
    stocks_total_false: bool = Field(default=False, description="send Total=false to get detailed stock rows")
    publication_of: dict[str, str] = Field(default_factory=dict, description="`o` or `a` for single resources")
    numbers_as_text: bool = True
    sale_resource: str = "Sale"
    credit_note_resource: str = "SalesCredit"
    bank_receipt_resource: str = Field(
        default="BankOrder", description="the document of money on a bank account (Balance names no URL for it: ask)"
    )
    cash_receipt_resource: str = Field(default="CashIncomeOrder", description="the same for cash in hand")
    item_pricing: bool = Field(default=False, description="read ItemPricing documents instead of Prices")
    series: bool = Field(default=False, description="read ItemsSeries too: when the lots in stock expire")
    field_names: dict[str, str] = Field(
        default_factory=dict, description="rename a written field: `VATRate`, or `SalesCredit.VATRate` of one resource"
    )
    kind_without_type: Literal["goods", "service", "unknown"] = Field(
        default="unknown", description="what an item is to which Balance states no ItemType"
    )
    period_closed: tuple[Pattern, ...] = Field(
        default=PERIOD_CLOSED, description="patterns of the refusals that mean a closed period"
    )
    unavailable: tuple[Pattern, ...] = Field(
        default=UNAVAILABLE,
        description="patterns of the words with which Balance serves nobody: locks, updates",
    )
    credit_notes: Literal["separate", "cumulative"] = "separate"
    waybill_number_field: str | None = Field(
        default=None,
        description="the field of a Sale that holds its waybill's number, if your build has one",
    )
    lists: ListTexts = ListTexts()


class Template(Section):
    """What every Sale carries besides the order: accounts, department, branch; omitted where empty."""

    receivables_account: str | None = "1410.01"
    revenue_account: str | None = "6110"
    department: str | None = None
    branch: str | None = None
    agreement: str | None = None
    cash_register: str | None = None
    extra: dict[str, str] = Field(default_factory=dict, description="further header fields, written unchanged")


class BalanceSettings(Section):
    """Which Balance, which user, which dialect."""

    transport: Literal["cloud", "on-prem"] = "cloud"
    application_id: str | None = None
    publication: Literal["o", "a"] = "o"
    url: WebAddress | None = Field(
        default=None, description="the whole base URL: required on-prem, overrides the cloud's"
    )
    allow_http: bool = Field(default=False, description="send the password to an http address in a trusted network")
    user_name: str
    password_file: Path
    profile: Literal["storera", "vendoo", "b2c"] = "b2c"
    ca_file: Path | None = None
    verify_tls: bool = True
    concurrency: int = Field(default=4, ge=1, le=16)
    read_timeout: float = Field(default=120.0, gt=0)
    write_timeout: float = Field(default=60.0, gt=0)
    currency: str = Field(default="GEL", pattern=r"^[A-Z]{3}$")
    currencies: dict[str, str] = Field(default_factory=dict, description="other currency code → Balance currency uid")
    currency_rates: dict[str, Amount] = Field(
        default_factory=dict, description="currency → rate for its documents; left out: the official one, by Balance"
    )
    dialect: Dialect = Dialect()
    template: Template = Template()
    discounts: DiscountSettings = DiscountSettings()

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """Lay the profile's preset under the dialect (claim S0.28: profiles are presets, not branches in code)."""
        if isinstance(data, dict):
            preset = PRESETS.get(str(data.get("profile", "b2c")), {})
            data = data | {"dialect": preset | _as_dict(data.get("dialect"))}
        return data

    @model_validator(mode="after")
    def _reachable(self) -> BalanceSettings:
        if self.transport == "cloud" and not (self.application_id or self.url):
            raise ValueError("transport cloud needs application-id: the four-digit number of the cloud division")
        if self.transport == "on-prem" and not self.url:
            raise ValueError('transport on-prem needs url, e.g. "http://server/Balance_Exchange/hs/Exchange"')
        return self

    def base_url(self, resource: str | None = None) -> str:
        """The base URL, for a resource that is published elsewhere (`publication-of`) with that publication."""
        publication = self.dialect.publication_of.get(resource or "", self.publication)
        template = self.url or CLOUD
        return template.format(publication=publication, application_id=self.application_id or "").rstrip("/")

    def password(self) -> SecretStr:
        """The password from its file. Raises `SecretMissing`."""
        return read_secret(self.password_file, "balance.password-file")


def _as_dict(value: Any) -> dict[str, Any]:
    return value.model_dump(exclude_unset=True, by_alias=True) if isinstance(value, Section) else dict(value or {})
