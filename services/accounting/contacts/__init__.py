"""Phones, e-mails and addresses of clients: when two of them are the same, and which of two counts."""
