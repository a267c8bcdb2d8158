"""The documentation, performed."""
