"""An order as a real shop returned it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.woocommerce.shop_double import answered


@pytest.fixture
def order() -> dict[str, Any]:
    """A storefront order: two goods, a coupon, shipping, one refund."""
    return deepcopy(answered("order-get-after-partial-refund"))
