"""`davtari drift`: where a shop holds something else than what Davtari wrote there last. Nothing is changed."""
