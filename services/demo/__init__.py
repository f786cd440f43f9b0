"""The demonstration: both sandboxes, a broker, all services, and a story told on the terminal."""
