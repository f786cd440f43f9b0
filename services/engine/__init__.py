"""How every service runs: state, Kafka, outbox, privacy, telemetry, runtime. Knows no upstream."""
