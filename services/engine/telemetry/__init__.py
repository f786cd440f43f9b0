"""Health, metrics and traces of the services of a process.

`families` names every metric; `figures`, `readings` and `lag` find their values; `observed` counts and traces what
passes; `watched` and `board` judge health; `pages` shows it over HTTP; `tracing` and `exporting` are OpenTelemetry.
"""
