"""A limit for each key."""
