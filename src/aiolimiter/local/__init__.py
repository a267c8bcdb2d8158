"""
One limit for the processes of one host, kept in a file: no server is needed.

POSIX only, for its file locks.
"""

from __future__ import annotations

from ._limiter import FileLimiter

__all__ = ["FileLimiter"]
