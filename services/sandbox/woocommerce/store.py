"""Information about the store: index, settings, currency, shipping zones, taxes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.sandbox.woocommerce import resources, values
from services.sandbox.woocommerce.errors import RestError, not_trashable
from services.sandbox.woocommerce.resources import ListQuery, SearchResult
from services.sandbox.woocommerce.rest import RestCall, RestRoutes, json_response
from services.sandbox.woocommerce.shop import Document, SandboxShop
from services.sandbox.woocommerce.values import parse_amount


class TaxRates:
    """The shop's tax rates."""

    def __init__(self, shop: SandboxShop) -> None:
        self.shop = shop

    def create(self, body: Document, *, strict: bool) -> Document:
        """Makes a rate."""
        rate = {**blank_rate(), "id": max(self.shop.taxes, default=0) + 1}
        self.shop.taxes[rate["id"]] = rate
        return self.update(rate["id"], body, strict=strict)

    def read(self, document_id: int) -> Document:
        """One rate."""
        return self._shown(self._own(document_id))

    def update(self, document_id: int, body: Document, *, strict: bool) -> Document:
        """Changes a rate."""
        rate = self._own(document_id)
        rate.update({name: body[name] for name in rate.keys() & body.keys() if name != "id"})
        rate["rate"] = f"{parse_amount(rate['rate']):.4f}"
        return self._shown(rate)

    def delete(self, document_id: int, *, force: bool) -> Document:
        """Deletes a rate; it has no trash."""
        rate = self._own(document_id)
        if not force:
            raise not_trashable()
        return self._shown(self.shop.taxes.pop(rate["id"]))

    def search(self, query: ListQuery) -> SearchResult:
        """Rates, optionally of one class."""
        rates = resources.filter_by_id(self.shop.taxes.values(), query)
        return SearchResult([r for r in rates if query.get("class") in (None, r["class"])], self._shown)

    def _own(self, document_id: int) -> Document:
        if document_id not in self.shop.taxes:
            raise RestError(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        return self.shop.taxes[document_id]

    def _shown(self, rate: Document) -> Document:
        return {**rate, "_links": self.shop.links(f"/taxes/{rate['id']}", "/taxes")}


def blank_rate() -> Document:
    """A rate before anything was written into it."""
    return {
        "id": 0,
        "country": "",
        "state": "",
        "postcode": "",
        "city": "",
        "rate": "0.0000",
        "name": "Tax",
        "priority": 1,
        "compound": False,
        "shipping": True,
        "order": 0,
        "class": "standard",
        "postcodes": [],
        "cities": [],
    }


def find_tax_rate(shop: SandboxShop, tax_class: str) -> Document | None:
    """The rate of a product's tax class ("" is standard); None when the class has none."""
    wanted = tax_class or "standard"
    return next((rate for rate in shop.taxes.values() if rate["class"] == wanted), None)


def rate_percent(rate: Document | None) -> Decimal:
    """A rate in percent; nothing is zero."""
    return Decimal(rate["rate"]) if rate else Decimal(0)


def prices_include_tax(shop: SandboxShop) -> bool:
    """Whether catalogue prices are gross."""
    settings = {entry["id"]: entry["value"] for entry in shop.store["settings"]["tax"]}
    return bool(settings["woocommerce_prices_include_tax"] == "yes")


NAMESPACES = ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc-analytics", "wp/v2"]
OF_SETTINGS = "GET POST PUT PATCH"


def store_routes(api: RestRoutes, shop: SandboxShop) -> list[Route]:
    """The index without a key, the rest with one."""

    async def index(_: Request) -> Response:
        return json_response(describe_site(shop))

    async def front_page(request: Request) -> Response:
        return get_front_page(shop, request)

    return [
        Route("/", front_page),
        Route("/wp-json/", index),
        api.route("/data/currencies/current", {"GET": ("view", get_currency)}),
        api.route("/system_status", {"GET": ("view", get_system_status)}),
        api.route("/shipping/zones", {"GET": ("list", list_shipping_zones)}),
        api.route("/shipping/zones/{zone:int}/methods", {"GET": ("list", list_shipping_methods)}),
        api.route("/taxes/classes", {"GET": ("list", list_tax_classes)}),
        api.route("/orders/{order:int}/return-requests", {"GET": ("view", get_return_requests)}),
        api.route("/settings/{group}", {"GET": ("list", list_settings)}),
        api.route("/settings/{group}/{setting}", {"GET": ("view", get_setting)}),
    ]


def describe_site(shop: SandboxShop) -> Document:
    """The index of the REST API."""
    offset = shop.now().astimezone(values.STORE_ZONE).utcoffset() or timedelta()
    return {
        "name": shop.settings.name,
        "description": "",
        "url": shop.home_url,
        "home": shop.home_url,
        "gmt_offset": f"{offset / timedelta(hours=1):g}",
        "timezone_string": values.STORE_ZONE.key,
        "namespaces": NAMESPACES,
        "authentication": [],
        "routes": {},
    }


def get_front_page(shop: SandboxShop, request: Request) -> Response:
    """The home page with its link to the REST API. Keys at `/?rest_route=` are ignored (WooCommerce facts 5 and 7)."""
    if "rest_route" in request.query_params:
        wrong = RestError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        return json_response(wrong.body(), wrong.status)
    api = "/index.php?rest_route=/" if shop.settings.permalinks == "plain" else f"/{shop.settings.rest_prefix}/"
    link = {"Link": f'<{shop.url(api)}>; rel="https://api.w.org/"'}
    return HTMLResponse("<html><body>A shop</body></html>", headers=link)


def get_currency(call: RestCall) -> Response:
    """The currency of the shop."""
    shop = call.shop
    links = shop.links(f"/data/currencies/{shop.settings.currency}", "/data/currencies", "GET")
    return json_response({**shop.store["currency"], "code": shop.settings.currency, "_links": links})


def get_system_status(call: RestCall) -> Response:
    """The version, and where orders are stored (source: the system status controller)."""
    settings = call.shop.settings
    tables = "OrdersTableDataStore" if settings.orders_in != "posts" else "WC_Order_Data_Store_CPT"
    storage = {
        "currency": settings.currency,
        "order_datastore": tables,
        "HPOS_enabled": settings.orders_in != "posts",
        "HPOS_sync_enabled": settings.orders_in == "both",
    }
    return json_response({"environment": {"version": settings.version}, "settings": storage})


def list_tax_classes(call: RestCall) -> Response:
    """The tax classes."""
    links = {"collection": call.shop.link("/taxes/classes")}
    classes = [{**entry, "_links": links} for entry in call.shop.store["tax_classes"]]
    return json_response(classes, headers={"X-WP-Total": str(len(classes)), "X-WP-TotalPages": "1"})


ZONES = {1: "Georgia", 0: "Locations not covered by your other zones"}
METHODS_OF: dict[int, list[tuple[int, str, str]]] = {
    1: [(1, "flat_rate", "Courier"), (2, "free_shipping", "Free shipping"), (3, "local_pickup", "Local pickup")],
    0: [],
}
"""The methods that the recorded orders name, and the zone without a place that every shop has (WooCommerce fact 49)."""


def list_shipping_zones(_: RestCall) -> Response:
    """The shipping zones; this list has no pages."""
    return json_response(
        [{"id": zone, "name": name, "order": order} for order, (zone, name) in enumerate(ZONES.items())]
    )


def list_shipping_methods(call: RestCall) -> Response:
    """The methods of a zone, each an instance of its own."""
    if (zone := int(call.request.path_params["zone"])) not in ZONES:
        raise RestError(404, "woocommerce_rest_shipping_zone_invalid", "Resource does not exist.")
    return json_response([make_method_row(*method) for method in METHODS_OF[zone]])


def make_method_row(instance: int, method: str, title: str) -> Document:
    """A shipping method of a zone."""
    named = {"id": instance, "instance_id": instance, "title": title, "method_id": method, "method_title": title}
    return {**named, "order": instance, "enabled": True, "method_description": "", "settings": {}}


def get_return_requests(call: RestCall) -> Response:
    """What a return plugin answers about an order; WooCommerce itself has no such route."""
    if (asked := call.shop.return_requests.get(call.ids["order"])) is None:
        raise RestError(404, "rest_no_return_requests", "No return requests.")
    return json_response(asked)


def list_settings(call: RestCall) -> Response:
    """The settings of a group: `general` or `tax` as recorded."""
    group = call.request.path_params["group"]
    return json_response([add_setting_links(call.shop, group, entry) for entry in find_settings_group(call)])


def get_setting(call: RestCall) -> Response:
    """One setting."""
    names: dict[str, Any] = call.request.path_params
    found = next((entry for entry in find_settings_group(call) if entry["id"] == names["setting"]), None)
    if found is None:
        raise RestError(404, "rest_setting_setting_invalid", "Invalid setting.")
    return json_response({**add_setting_links(call.shop, names["group"], found), "group_id": names["group"]})


def find_settings_group(call: RestCall) -> list[Document]:
    """The recorded settings of the path's group; RestError 404 for an unknown one."""
    groups: dict[str, list[Document]] = call.shop.store["settings"]
    group = call.request.path_params["group"]
    if group not in groups:
        raise RestError(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return groups[group]


def add_setting_links(shop: SandboxShop, group: str, entry: Document) -> Document:
    """A setting with its links."""
    path = f"/settings/{group}"
    return {**entry, "_links": shop.links(f"{path}/{entry['id']}", path, OF_SETTINGS)}
