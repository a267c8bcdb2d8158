"""What limits look like in the head of an HTTP message."""
