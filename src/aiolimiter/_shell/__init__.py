"""Who waits, and for how long: asyncio around the core."""
