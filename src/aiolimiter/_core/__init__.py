"""Arithmetic and values: no asyncio, no clock, no input or output."""
