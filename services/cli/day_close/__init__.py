"""The close of a day: every order and refund of a shop tied to its document, by VAT rate (claims I2, S3.13)."""
