"""The laws of the limiters: drawn at random, and tried in every order."""
