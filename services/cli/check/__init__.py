"""`davtari check`: find what is wrong in Kafka, Balance, the shops or the settings, and how to fix it."""
