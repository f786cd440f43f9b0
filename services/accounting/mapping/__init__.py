"""What becomes of a group of Balance in a shop: the settings' entries, and over them what people have commanded."""
