"""The command line: one file a command, all of them registered in `main`."""
