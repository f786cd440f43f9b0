"""All commands of `davtari`, by panel, with what `davtari --help` says of each."""

from __future__ import annotations

from services.cli.lazy import Entry
from services.cli.panels import LOOK, MANUAL, RUN, SETUP, TRY

MENU = (
    Entry(
        "init",
        SETUP,
        "cli.init.app:init_command",
        "Write a commented settings file to start from; on a terminal, ask for what belongs in it.",
    ),
    Entry(
        "check",
        SETUP,
        "cli.check.app:check_command",
        "Find what is wrong in Kafka, Balance, the shops or the settings, and say what mends it.",
    ),
    Entry("topics", SETUP, "cli.topics:app", "The Kafka topics."),
    Entry("shop", SETUP, "cli.shops.app:app", "Which shop is known, and whether another one answers."),
    Entry(
        "helpers",
        SETUP,
        "cli.helpers.app:helpers_command",
        "What this shop's documents need in Balance: retail client, service items, VAT. Nothing is made unasked.",
    ),
    Entry(
        "opening-stock",
        SETUP,
        "cli.helpers.app:opening_stock_command",
        "Write a shop's stock as CSV for the accountant, who enters it in Balance. Nothing is posted.",
    ),
    Entry(
        "shipping",
        SETUP,
        "cli.rules.app:shipping_command",
        "The shop's shipping zones and methods with what the rules make of them, and the table of zones to paste.",
    ),
    Entry(
        "learn-sale",
        SETUP,
        "cli.learning.app:learn_sale_command",
        "Read a hand-made Sale and propose the settings that make ours like it. Writes nothing.",
    ),
    Entry("alerts", SETUP, "cli.alerts:app", "Messages to those who are to be told."),
    Entry("contracts", SETUP, "cli.contracts:app", "The schemas of the events."),
    Entry("up", RUN, "cli.starting:up", "Run all services in this process, until SIGTERM or Ctrl-C."),
    Entry("run", RUN, "cli.starting:run_command", "Run one service in this process, until SIGTERM or Ctrl-C."),
    Entry(
        "status",
        LOOK,
        "cli.status.app:status_command",
        "What each service has still to read, what waits to be delivered, what needs a person, how fresh all is.",
    ),
    Entry("order", LOOK, "cli.order.app:order_command", "Everything known about an order, in time order."),
    Entry("rules", LOOK, "cli.rules.app:rules_app", "Rules: which document an order becomes, from where, when."),
    Entry(
        "orders",
        LOOK,
        "cli.orders.app:orders_command",
        "How every order stands: in the books, held, watched until its trigger, or with a person.",
    ),
    Entry(
        "stock",
        LOOK,
        "cli.stock:stock_command",
        "Why a shop shows this figure for a product, line by line, beside the figure of now. SKU: or the item's uid.",
    ),
    Entry("plan", LOOK, "cli.plans.app:app", "What would be done in a shop, before it is done."),
    Entry(
        "day-close",
        LOOK,
        "cli.day_close.app:day_close_app",
        "Compare a day in the shop, in the topics and in the books: green and signed, or each difference.",
    ),
    Entry("approvals", LOOK, "cli.approvals.app:approvals_app", "Documents that wait for the accountant's approval."),
    Entry(
        "drift",
        LOOK,
        "cli.drift.app:drift_command",
        "Where a shop holds something else than what was written there, and what the settings make of it.",
    ),
    Entry("events", LOOK, "cli.events.app:app", "What is said on the topics: follow it, export it, publish it again."),
    Entry(
        "sync-matrix",
        LOOK,
        "cli.sync_matrix:sync_matrix_command",
        "What is synchronised, in which direction, when and in which mode, as the settings say.",
    ),
    Entry(
        "explain",
        LOOK,
        "cli.explain:explain_command",
        "What a reason code means: cause, effect, fix, who resolves it. Without a code: all of them.",
    ),
    Entry(
        "import",
        MANUAL,
        "cli.importing:import_command",
        "Read Balance now (discounts: the prices with them); or make clients of a shop's customers that gave a number.",
    ),
    Entry("export", MANUAL, "cli.clients.bulk:export_app", "Make records in a shop of what Balance holds."),
    Entry("clients", MANUAL, "cli.clients.app:app", "Who buyers are to Balance: look, merge, settle contacts."),
    Entry(
        "push",
        MANUAL,
        "cli.push.app:push_command",
        "Export one order or refund now, or plan a return request. Always safe: nothing is written twice.",
    ),
    Entry(
        "payment",
        MANUAL,
        "cli.payment:payment_command",
        "Enter a payment: a courier's remittance, a bank transfer, cash. The same one entered twice is one receipt.",
    ),
    Entry(
        "apply",
        MANUAL,
        "cli.plans.app:apply_command",
        "Have a plan carried out, exactly as it was shown. Can be interrupted and repeated.",
    ),
    Entry(
        "approve",
        MANUAL,
        "cli.approvals.app:approve_app",
        "Approve a document, all of its shape, or a proposed item.",
    ),
    Entry(
        "propose",
        MANUAL,
        "cli.proposals.app:propose_app",
        "Propose products that only the shop has as items of Balance; nothing is written there.",
    ),
    Entry("mapping", MANUAL, "cli.mapping.app:app", "Which groups of Balance a shop sells, and in which category."),
    Entry("links", MANUAL, "cli.links.app:app", "Which Balance item is which product."),
    Entry("backfill", MANUAL, "cli.backfill.app:app", "Find what is missing in the books, and have it exported."),
    Entry(
        "forget",
        MANUAL,
        "cli.forget.app:forget_command",
        "Take a buyer's personal data out of all that is ours. Documents and the client in Balance are kept.",
    ),
    Entry("dead-letters", MANUAL, "cli.dead_letters.app:app", "What only a person can settle."),
    Entry(
        "demo",
        TRY,
        "demo.command:demo_command",
        "Run the whole product against sandboxes of Balance and WooCommerce, and tell what happens.",
    ),
    Entry("sandbox", TRY, "sandbox.command:cli", "Sandboxes of the two upstream systems, with faults on demand."),
)
