"""The demonstration: both sandboxes, a broker and all services, with a scripted scenario on the terminal."""
