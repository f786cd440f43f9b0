#!/usr/bin/env bash
# Who may read and write which topic of Davtari. Generated: python -m ops.acl
# It adds rules and takes none away; `davtari rights apply` adds the same ones, without the quotas. It needs a cluster
# with an authorizer and authenticated clients, and Kafka's commands on the PATH.
# For services and the operator only, commands, operations, dead-letters, privacy.keys:
# commands move the books, dead letters hold failed records as they were.
set -euo pipefail

KAFKA=${KAFKA:-127.0.0.1:9092}
PREFIX=${PREFIX:-davtari.}
ADMIN=${ADMIN:-admin.properties} # how the administrator connects

allow() {
    kafka-acls --bootstrap-server "$KAFKA" --command-config "$ADMIN" \
        --add --allow-principal "User:$1" "${@:2}"
}
limit() {
    kafka-configs --bootstrap-server "$KAFKA" --command-config "$ADMIN" --alter \
        --entity-type users --entity-name "$1" --add-config "consumer_byte_rate=$2"
}

# the service balance-feed
allow davtari-balance-feed \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-balance-feed \
    --operation Write \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-balance-feed \
    --operation Read \
    --group "${PREFIX}balance-feed.state" \
    --resource-pattern-type literal

# the service store-feed
allow davtari-store-feed \
    --operation Read \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-store-feed \
    --operation Write \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-store-feed \
    --operation Read \
    --group "${PREFIX}store-feed.state" \
    --resource-pattern-type literal

# the service catalog-importer
allow davtari-catalog-importer \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-catalog-importer \
    --operation Write \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-catalog-importer \
    --operation Read \
    --group "${PREFIX}catalog-importer.state" \
    --resource-pattern-type literal

# the service stock-publisher
allow davtari-stock-publisher \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-stock-publisher \
    --operation Write \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-stock-publisher \
    --operation Read \
    --group "${PREFIX}stock-publisher.state" \
    --resource-pattern-type literal

# the service order-exporter
allow davtari-order-exporter \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-exporter \
    --operation Write \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-exporter \
    --operation Read \
    --group "${PREFIX}order-exporter.state" \
    --resource-pattern-type literal

# the service refund-exporter
allow davtari-refund-exporter \
    --operation Read \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-refund-exporter \
    --operation Write \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-refund-exporter \
    --operation Read \
    --group "${PREFIX}refund-exporter.state" \
    --resource-pattern-type literal

# the service order-notifier
allow davtari-order-notifier \
    --operation Read \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-notifier \
    --operation Write \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-notifier \
    --operation Read \
    --group "${PREFIX}order-notifier.state" \
    --resource-pattern-type literal

# the service alerts
allow davtari-alerts \
    --operation Read \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-alerts \
    --operation Write \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-alerts \
    --operation Read \
    --group "${PREFIX}alerts.state" \
    --resource-pattern-type literal

# `davtari up`: all services in one process
allow davtari-all-in-one \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-all-in-one \
    --operation Write \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-all-in-one \
    --operation Create --operation Describe --operation DescribeConfigs \
    --topic "${PREFIX}" \
    --resource-pattern-type prefixed
allow davtari-all-in-one \
    --operation Read \
    --group "${PREFIX}balance-feed.state" \
    --group "${PREFIX}store-feed.state" \
    --group "${PREFIX}catalog-importer.state" \
    --group "${PREFIX}stock-publisher.state" \
    --group "${PREFIX}order-exporter.state" \
    --group "${PREFIX}refund-exporter.state" \
    --group "${PREFIX}order-notifier.state" \
    --group "${PREFIX}alerts.state" \
    --resource-pattern-type literal

# the `davtari` command: looks at everything, gives commands, makes topics, replays beside the live topics
allow davtari-operator \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-operator \
    --operation Write \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --resource-pattern-type literal
allow davtari-operator \
    --operation Create --operation Describe --operation DescribeConfigs \
    --topic "${PREFIX}" \
    --topic replay. \
    --resource-pattern-type prefixed
allow davtari-operator \
    --operation Write \
    --topic replay. \
    --resource-pattern-type prefixed
allow davtari-operator \
    --operation Describe \
    --group "${PREFIX}" \
    --resource-pattern-type prefixed

# the console: shows everything, gives the commands of people who have signed in
allow davtari-console \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-console \
    --operation Write \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-console \
    --operation Read \
    --group "${PREFIX}console." \
    --resource-pattern-type prefixed
allow davtari-console \
    --operation Describe \
    --group "${PREFIX}" \
    --resource-pattern-type prefixed

# whoever may put a broken record right: `davtari dead-letters edit` publishes it again in its own topic
allow davtari-repairer \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-repairer \
    --operation Write \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}commands" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-repairer \
    --operation Describe \
    --group "${PREFIX}" \
    --resource-pattern-type prefixed

# subscribers to catalogue, no personal data
allow davtari-subscriber-catalogue \
    --operation Read \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --resource-pattern-type literal
allow davtari-subscriber-catalogue \
    --operation Read \
    --group "${PREFIX}subscriber-catalogue." \
    --resource-pattern-type prefixed
limit davtari-subscriber-catalogue 2097152

# subscribers to stock, no personal data
allow davtari-subscriber-stock \
    --operation Read \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}stock.availability" \
    --resource-pattern-type literal
allow davtari-subscriber-stock \
    --operation Read \
    --group "${PREFIX}subscriber-stock." \
    --resource-pattern-type prefixed
limit davtari-subscriber-stock 2097152

# subscribers to notices, no personal data
allow davtari-subscriber-notices \
    --operation Read \
    --topic "${PREFIX}shop.notices" \
    --resource-pattern-type literal
allow davtari-subscriber-notices \
    --operation Read \
    --group "${PREFIX}subscriber-notices." \
    --resource-pattern-type prefixed
limit davtari-subscriber-notices 2097152

# subscribers to orders, sealed personal data
allow davtari-subscriber-orders \
    --operation Read \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --resource-pattern-type literal
allow davtari-subscriber-orders \
    --operation Read \
    --group "${PREFIX}subscriber-orders." \
    --resource-pattern-type prefixed
limit davtari-subscriber-orders 2097152

# subscribers to documents, sealed personal data
allow davtari-subscriber-documents \
    --operation Read \
    --topic "${PREFIX}ledger.documents" \
    --resource-pattern-type literal
allow davtari-subscriber-documents \
    --operation Read \
    --group "${PREFIX}subscriber-documents." \
    --resource-pattern-type prefixed
limit davtari-subscriber-documents 2097152

# subscribers to orders that open the buyers' data: the keys of people's data too
allow davtari-person-reader \
    --operation Read \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}privacy.keys" \
    --resource-pattern-type literal
allow davtari-person-reader \
    --operation Read \
    --group "${PREFIX}person-reader." \
    --resource-pattern-type prefixed
limit davtari-person-reader 2097152
