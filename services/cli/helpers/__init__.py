"""`davtari helpers`: what documents need in Balance; `davtari opening-stock`: the shop's stock as a file."""
