"""What must be so before a flow goes live: asked by `davtari check`, and by each service at its start."""
