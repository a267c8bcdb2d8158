"""What each of many keys owes, as arithmetic."""
