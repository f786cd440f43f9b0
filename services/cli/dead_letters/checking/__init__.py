"""What an edited delivery or record must fulfil before it is sent: as much as if a service had made it."""
