"""A Balance to run against: its Exchange API with every known quirk as a switch, and books that judge what is posted.

`app.create(settings, clock)` makes it. What is on the wire stands in `address`, `gate`, `query`, `resources`, `answer`,
`dialect`; what is behind it in `books` and the modules named after its records; what a test or a person changes in
`control`. Facts cited in docstrings are numbered in `services/connectors/balance/FACTS.md`.
"""
