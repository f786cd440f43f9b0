"""`davtari learn-sale`: the settings of documents, learned from a Sale that was made by hand."""
