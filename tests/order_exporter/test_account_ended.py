"""A buyer's account ends in the shop: his orders come again as a guest's, and nothing follows from it in Balance."""

from __future__ import annotations

import pytest

from tests.cli.clients_bench import both
from tests.order_exporter.contacts_bench import OURS, booked, client, exporter, merged, ordered
from tests.support.exporting import KEY


@pytest.mark.claim("S2.16")
async def test_an_order_that_became_a_guests_changes_neither_its_sale_nor_its_client() -> None:
    async with both() as world:
        client(world, Phone=OURS)
        made = exporter(phone="shop", email="shop", address="shop")
        booked(made, ordered(customer_id=7, person_ref="p-7"))
        await merged(world, made)
        before = client(world)
        made.take(ordered(customer_id=0, person_ref="p-guest"))

        decision = made.decisions[KEY]
        assert (decision.deliveries, decision.announce, decision.refuse) == ((), (), ())
        assert client(world) == before


def test_an_order_that_waited_meanwhile_goes_to_the_same_client() -> None:
    made = exporter()
    made.take(ordered(customer_id=7, person_ref="p-7"))
    [sale] = made.decisions[KEY].deliveries
    made.take(ordered(customer_id=0, person_ref="p-guest"))
    [later] = made.decisions[KEY].deliveries

    assert (later.id, later.payload["client"]) == (sale.id, sale.payload["client"])
