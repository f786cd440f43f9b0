"""`davtari order` explains one order; `davtari orders` lists the state of all (claim S4.27)."""
