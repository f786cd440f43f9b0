"""Sales orders: reserve until the Sale."""
