"""A Balance to run against: its Exchange API with every known quirk as a switch, and books that judge what is posted.

`app.create(settings, clock)` makes it. What is on the wire stands in `address`, `gate`, `query`, `resources`, `answer`,
`dialect`; what is behind it in `books` and the modules named after its records; what a test or a person changes in
`control`. API facts cited in docstrings come from the reference notes on Balance's Exchange API.
"""
