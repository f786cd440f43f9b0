"""Health, metrics, traces and logs of the services of a process.

`families` names every metric; `metrics` and `state_readings` provide the values; `instrumentation` counts and traces
batches and deliveries; `service_monitor` and `process_monitor` determine health; `server` shows it over HTTP; `tracing`
is OpenTelemetry; `logs` formats log lines.
"""
