"""HTTP clients that limit themselves."""
