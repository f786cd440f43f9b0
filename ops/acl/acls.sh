#!/usr/bin/env bash
# Who may read and write which topic of Davtari. Generated: python -m ops.acl
# A proposal to look through and change: it adds rules and takes none away. It needs a cluster with an authorizer and
# authenticated clients, and Kafka's commands on the PATH.
# operations and dead-letters and privacy.keys are for services and the operator only: commands move the books, dead letters hold failed
# records as they were, personal data included.
set -euo pipefail

KAFKA=${KAFKA:-127.0.0.1:9092}
PREFIX=${PREFIX:-davtari.}
ADMIN=${ADMIN:-admin.properties} # how the administrator connects

allow() {
    kafka-acls --bootstrap-server "$KAFKA" --command-config "$ADMIN"         --add --allow-principal "User:$1" "${@:2}"
}
limit() {
    kafka-configs --bootstrap-server "$KAFKA" --command-config "$ADMIN" --alter \
        --entity-type users --entity-name "$1" --add-config "consumer_byte_rate=$2"
}

# the service balance-feed
allow davtari-balance-feed \
    --operation Read --operation Describe \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-balance-feed \
    --operation Write --operation Describe \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-balance-feed \
    --operation Read --operation Describe \
    --group "${PREFIX}balance-feed." \
    --resource-pattern-type prefixed

# the service store-feed
allow davtari-store-feed \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-store-feed \
    --operation Write --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-store-feed \
    --operation Read --operation Describe \
    --group "${PREFIX}store-feed." \
    --resource-pattern-type prefixed

# the service catalog-importer
allow davtari-catalog-importer \
    --operation Read --operation Describe \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-catalog-importer \
    --operation Write --operation Describe \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-catalog-importer \
    --operation Read --operation Describe \
    --group "${PREFIX}catalog-importer." \
    --resource-pattern-type prefixed

# the service stock-publisher
allow davtari-stock-publisher \
    --operation Read --operation Describe \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-stock-publisher \
    --operation Write --operation Describe \
    --topic "${PREFIX}stock.availability" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-stock-publisher \
    --operation Read --operation Describe \
    --group "${PREFIX}stock-publisher." \
    --resource-pattern-type prefixed

# the service order-exporter
allow davtari-order-exporter \
    --operation Read --operation Describe \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-exporter \
    --operation Write --operation Describe \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-exporter \
    --operation Read --operation Describe \
    --group "${PREFIX}order-exporter." \
    --resource-pattern-type prefixed

# the service refund-exporter
allow davtari-refund-exporter \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-refund-exporter \
    --operation Write --operation Describe \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-refund-exporter \
    --operation Read --operation Describe \
    --group "${PREFIX}refund-exporter." \
    --resource-pattern-type prefixed

# the service order-notifier
allow davtari-order-notifier \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-notifier \
    --operation Write --operation Describe \
    --topic "${PREFIX}shop.notices" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-order-notifier \
    --operation Read --operation Describe \
    --group "${PREFIX}order-notifier." \
    --resource-pattern-type prefixed

# the service alerts
allow davtari-alerts \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}ledger.documents" \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-alerts \
    --operation Write --operation Describe \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --topic "${PREFIX}dead-letters" \
    --resource-pattern-type literal
allow davtari-alerts \
    --operation Read --operation Describe \
    --group "${PREFIX}alerts." \
    --resource-pattern-type prefixed

# `davtari up`: all services in one process
allow davtari-all-in-one \
    --operation Read --operation Describe \
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
    --operation Write --operation Describe \
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
    --operation Create --operation Describe \
    --topic "${PREFIX}" \
    --resource-pattern-type prefixed
allow davtari-all-in-one \
    --operation Read --operation Describe \
    --group "${PREFIX}balance-feed." \
    --group "${PREFIX}store-feed." \
    --group "${PREFIX}catalog-importer." \
    --group "${PREFIX}stock-publisher." \
    --group "${PREFIX}order-exporter." \
    --group "${PREFIX}refund-exporter." \
    --group "${PREFIX}order-notifier." \
    --group "${PREFIX}alerts." \
    --resource-pattern-type prefixed

# the `davtari` command: looks at everything, gives commands, makes topics, replays beside the live topics
allow davtari-operator \
    --operation Read --operation Describe \
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
allow davtari-operator \
    --operation Write --operation Describe \
    --topic "${PREFIX}privacy.keys" \
    --topic "${PREFIX}operations" \
    --resource-pattern-type literal
allow davtari-operator \
    --operation Create --operation Describe \
    --topic "${PREFIX}" \
    --topic replay. \
    --resource-pattern-type prefixed
allow davtari-operator \
    --operation Write --operation Describe \
    --topic replay. \
    --resource-pattern-type prefixed
allow davtari-operator \
    --operation Describe \
    --group "${PREFIX}" \
    --resource-pattern-type prefixed

# whoever may put a broken record right: `davtari dead-letters edit` publishes it again in its own topic
allow davtari-repairer \
    --operation Read --operation Describe \
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
allow davtari-repairer \
    --operation Write --operation Describe \
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
allow davtari-repairer \
    --operation Describe \
    --group "${PREFIX}" \
    --resource-pattern-type prefixed

# subscribers to catalogue, no personal data
allow davtari-subscriber-catalogue \
    --operation Read --operation Describe \
    --topic "${PREFIX}balance.items" \
    --topic "${PREFIX}balance.prices" \
    --topic "${PREFIX}catalog.links" \
    --topic "${PREFIX}catalog.plans" \
    --topic "${PREFIX}catalog.mappings" \
    --resource-pattern-type literal
allow davtari-subscriber-catalogue \
    --operation Read --operation Describe \
    --group "${PREFIX}subscriber-catalogue." \
    --resource-pattern-type prefixed
limit davtari-subscriber-catalogue 2097152

# subscribers to stock, no personal data
allow davtari-subscriber-stock \
    --operation Read --operation Describe \
    --topic "${PREFIX}balance.stock" \
    --topic "${PREFIX}stock.availability" \
    --resource-pattern-type literal
allow davtari-subscriber-stock \
    --operation Read --operation Describe \
    --group "${PREFIX}subscriber-stock." \
    --resource-pattern-type prefixed
limit davtari-subscriber-stock 2097152

# subscribers to notices, no personal data
allow davtari-subscriber-notices \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.notices" \
    --resource-pattern-type literal
allow davtari-subscriber-notices \
    --operation Read --operation Describe \
    --group "${PREFIX}subscriber-notices." \
    --resource-pattern-type prefixed
limit davtari-subscriber-notices 2097152

# subscribers to orders, sealed personal data
allow davtari-subscriber-orders \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --resource-pattern-type literal
allow davtari-subscriber-orders \
    --operation Read --operation Describe \
    --group "${PREFIX}subscriber-orders." \
    --resource-pattern-type prefixed
limit davtari-subscriber-orders 2097152

# subscribers to documents, sealed personal data
allow davtari-subscriber-documents \
    --operation Read --operation Describe \
    --topic "${PREFIX}ledger.documents" \
    --resource-pattern-type literal
allow davtari-subscriber-documents \
    --operation Read --operation Describe \
    --group "${PREFIX}subscriber-documents." \
    --resource-pattern-type prefixed
limit davtari-subscriber-documents 2097152

# subscribers to orders that open whom they are from: the keys of people's data too
allow davtari-person-reader \
    --operation Read --operation Describe \
    --topic "${PREFIX}shop.orders" \
    --topic "${PREFIX}shop.refunds" \
    --topic "${PREFIX}shop.customers" \
    --topic "${PREFIX}privacy.keys" \
    --resource-pattern-type literal
allow davtari-person-reader \
    --operation Read --operation Describe \
    --group "${PREFIX}person-reader." \
    --resource-pattern-type prefixed
limit davtari-person-reader 2097152
