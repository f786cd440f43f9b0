"""The headings under which `davtari --help` lists its commands: all manual actions stand in one place (claim S2.25)."""

MANUAL = "Manual actions"
LOOK = "Look"
SETUP = "Set up"
RUN = "Run"
TRY = "Try out"
