"""`davtari push`: one order, refund or return request, now."""
