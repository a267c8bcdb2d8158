"""The limit of a fleet, as arithmetic."""
