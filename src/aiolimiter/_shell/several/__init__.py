"""Several limits taken as one: all, or nothing."""
