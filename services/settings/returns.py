"""Where a shop's return requests are read: goods that a buyer wants to give back, before the shop refunds anything."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from services.settings.base import Section


class ReturnFields(Section):
    """What the shop's plugin calls the fields of a request; each plugin has names of its own."""

    requests: str = Field(default="requests", min_length=1, description="the list, where an object holds it")
    id: str = Field(default="id", min_length=1, description="a request's own number; none: its place in the list")
    lines: str = Field(default="lines", min_length=1, description="what a request asks for")
    line: str = Field(default="line_id", min_length=1, description="the order's line; it counts before the others")
    product: str = Field(default="product_id", min_length=1, description="product or variation")
    sku: str = Field(default="sku", min_length=1)
    quantity: str = Field(default="quantity", min_length=1)


class ReturnSettings(Section):
    """`davtari push return-request` plans the credit note of a request; nothing is written to Balance or the shop."""

    source: Literal["off", "meta", "rest"] = Field(
        default="off", description="meta: a custom field of the order; rest: a route of the shop's own"
    )
    meta_key: str = Field(default="", description="meta: the custom field that holds the requests, as JSON")
    path: str = Field(
        default="",
        pattern=r"^(/wp-json/[^?#]*\{order\}[^?#]*)?$",
        description="rest: `/wp-json/wc-returns/v1/orders/{order}`; WooCommerce's keys open only wc/… and wc-… routes",
    )
    fields: ReturnFields = ReturnFields()

    @model_validator(mode="after")
    def _source_is_named(self) -> ReturnSettings:
        if self.source == "meta" and not self.meta_key:
            raise ValueError('source = "meta" needs meta-key: the custom field that holds the return requests')
        if self.source == "rest" and not self.path:
            raise ValueError('source = "rest" needs path, with {order} where the number of the order stands')
        return self
