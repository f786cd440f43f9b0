"""What the shop says of itself: the index, settings, tax classes, the currency. Read-only here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.sandbox.woocommerce import dates
from services.sandbox.woocommerce.errors import RestError
from services.sandbox.woocommerce.rest import Api, Call, reply
from services.sandbox.woocommerce.shop import Document, Shop

NAMESPACES = ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc-analytics", "wp/v2"]
OF_SETTINGS = "GET POST PUT PATCH"


def routes(api: Api, shop: Shop) -> list[Route]:
    """The index without a key, the rest with one."""

    async def index(_: Request) -> Response:
        return reply(site(shop))

    async def front_page(request: Request) -> Response:
        return front(shop, request)

    return [
        Route("/", front_page),
        Route("/wp-json/", index),
        api.route("/data/currencies/current", {"GET": ("view", currency)}),
        api.route("/system_status", {"GET": ("view", system_status)}),
        api.route("/shipping/zones", {"GET": ("list", shipping_zones)}),
        api.route("/shipping/zones/{zone:int}/methods", {"GET": ("list", shipping_zone_methods)}),
        api.route("/taxes/classes", {"GET": ("list", tax_classes)}),
        api.route("/orders/{order:int}/return-requests", {"GET": ("view", return_requests)}),
        api.route("/settings/{group}", {"GET": ("list", settings_group)}),
        api.route("/settings/{group}/{setting}", {"GET": ("view", setting)}),
    ]


def site(shop: Shop) -> Document:
    """The index of the REST API."""
    offset = shop.now().astimezone(dates.ZONE).utcoffset() or timedelta()
    return {
        "name": shop.settings.name,
        "description": "",
        "url": shop.home_url,
        "home": shop.home_url,
        "gmt_offset": f"{offset / timedelta(hours=1):g}",
        "timezone_string": dates.ZONE.key,
        "namespaces": NAMESPACES,
        "authentication": [],
        "routes": {},
    }


def front(shop: Shop, request: Request) -> Response:
    """The home page, which names the REST API; `/?rest_route=` never gets its keys looked at (API fact: section 1)."""
    if "rest_route" in request.query_params:
        wrong = RestError(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        return reply(wrong.body(), wrong.status)
    api = "/index.php?rest_route=/" if shop.settings.permalinks == "plain" else f"/{shop.settings.rest_prefix}/"
    link = {"Link": f'<{shop.url(api)}>; rel="https://api.w.org/"'}
    return HTMLResponse("<html><body>A shop</body></html>", headers=link)


def currency(call: Call) -> Response:
    """The currency of the shop."""
    shop = call.shop
    links = shop.links(f"/data/currencies/{shop.settings.currency}", "/data/currencies", "GET")
    return reply({**shop.store["currency"], "code": shop.settings.currency, "_links": links})


def system_status(call: Call) -> Response:
    """The version, and where orders are stored (source: the system status controller)."""
    settings = call.shop.settings
    tables = "OrdersTableDataStore" if settings.orders_in != "posts" else "WC_Order_Data_Store_CPT"
    storage = {
        "currency": settings.currency,
        "order_datastore": tables,
        "HPOS_enabled": settings.orders_in != "posts",
        "HPOS_sync_enabled": settings.orders_in == "both",
    }
    return reply({"environment": {"version": settings.version}, "settings": storage})


def tax_classes(call: Call) -> Response:
    """The tax classes."""
    links = {"collection": call.shop.link("/taxes/classes")}
    classes = [{**entry, "_links": links} for entry in call.shop.store["tax_classes"]]
    return reply(classes, headers={"X-WP-Total": str(len(classes)), "X-WP-TotalPages": "1"})


ZONES = {1: "Georgia", 0: "Locations not covered by your other zones"}
METHODS_OF: dict[int, list[tuple[int, str, str]]] = {
    1: [(1, "flat_rate", "Courier"), (2, "free_shipping", "Free shipping"), (3, "local_pickup", "Local pickup")],
    0: [],
}
"""The methods that the recorded orders name, and the zone without a place that every shop has (API fact: id 0)."""


def shipping_zones(_: Call) -> Response:
    """The shipping zones; this list has no pages."""
    return reply([{"id": zone, "name": name, "order": order} for order, (zone, name) in enumerate(ZONES.items())])


def shipping_zone_methods(call: Call) -> Response:
    """The methods of a zone, each an instance of its own."""
    if (zone := int(call.request.path_params["zone"])) not in ZONES:
        raise RestError(404, "woocommerce_rest_shipping_zone_invalid", "Resource does not exist.")
    return reply([method_row(*method) for method in METHODS_OF[zone]])


def method_row(instance: int, method: str, title: str) -> Document:
    """A shipping method of a zone."""
    named = {"id": instance, "instance_id": instance, "title": title, "method_id": method, "method_title": title}
    return {**named, "order": instance, "enabled": True, "method_description": "", "settings": {}}


def return_requests(call: Call) -> Response:
    """What a return plugin answers about an order; WooCommerce itself has no such route."""
    if (asked := call.shop.return_requests.get(call.ids["order"])) is None:
        raise RestError(404, "rest_no_return_requests", "No return requests.")
    return reply(asked)


def settings_group(call: Call) -> Response:
    """The settings of a group: `general` or `tax` as recorded."""
    group = call.request.path_params["group"]
    return reply([linked(call.shop, group, entry) for entry in group_of(call)])


def setting(call: Call) -> Response:
    """One setting."""
    names: dict[str, Any] = call.request.path_params
    found = next((entry for entry in group_of(call) if entry["id"] == names["setting"]), None)
    if found is None:
        raise RestError(404, "rest_setting_setting_invalid", "Invalid setting.")
    return reply({**linked(call.shop, names["group"], found), "group_id": names["group"]})


def group_of(call: Call) -> list[Document]:
    """The recorded settings of the path's group; RestError 404 for an unknown one."""
    groups: dict[str, list[Document]] = call.shop.store["settings"]
    group = call.request.path_params["group"]
    if group not in groups:
        raise RestError(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return groups[group]


def linked(shop: Shop, group: str, entry: Document) -> Document:
    """A setting with its links."""
    path = f"/settings/{group}"
    return {**entry, "_links": shop.links(f"{path}/{entry['id']}", path, OF_SETTINGS)}
