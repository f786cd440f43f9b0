"""Contact fields of buyers and clients, merged three ways."""
