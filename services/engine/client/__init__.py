"""What programs outside the services use: reading events, and sending commands. Personal data is sealed and opened."""
