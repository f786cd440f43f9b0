"""A Balance sandbox: its Exchange API, with every known quirk as a setting, and books that validate documents.

`app.create_balance(settings, clock)` creates it. HTTP is in `app`, `access`, `resources` and `dialect`; the data is in
`books` and in modules named after the records; `control` changes it for tests and people.
"""
