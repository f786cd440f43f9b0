"""Who may read and write which topic on Kafka, and the users and passwords for it."""
