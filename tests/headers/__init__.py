"""What servers and clients tell each other of limits."""
