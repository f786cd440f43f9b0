"""The public language of Davtari: typed events, topics, and the documents generated from them."""
