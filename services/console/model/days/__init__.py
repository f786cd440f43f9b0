"""The close of a day: both sides of each order, refund and payment, and why they differ."""
