"""0001 makes the tables; 0002 fills one and builds an index concurrently, outside a transaction."""
