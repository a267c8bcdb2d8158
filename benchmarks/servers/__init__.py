"""What a limit costs a server."""
