"""One limit for many processes: what is the same whatever they share it in."""
