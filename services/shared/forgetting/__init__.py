"""Taking the personal data of one person out of what a service remembers."""
