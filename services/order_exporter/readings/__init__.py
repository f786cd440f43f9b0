"""What is measured of orders: in time, by hand, without a document."""
