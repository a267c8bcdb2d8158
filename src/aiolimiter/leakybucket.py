"""The module in which aiolimiter 1.x had its limiter: import it from `aiolimiter`."""

from __future__ import annotations

from ._shell.limiter import AsyncLimiter

__all__ = ["AsyncLimiter"]
