"""`davtari status`: how far each service is, what waits, how fresh all is."""
