"""`davtari day-close`: compare every order and refund of a day with its document, by VAT rate (claims I2, S3.13)."""
