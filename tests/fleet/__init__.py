"""Limits shared by processes, on real servers and real files."""
