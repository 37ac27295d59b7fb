"""A small learning platform, as a Django application would have it."""
