"""Return requests: read in the shop (`source`, `reading`, `resolving`), planned as credit notes (`plan`, `answers`)."""
