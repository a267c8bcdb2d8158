"""Limits on what comes in: a middleware for every ASGI application."""

from __future__ import annotations

from ._address import client_address
from ._forwarded import Forwarded
from ._middleware import RateLimitMiddleware

__all__ = ["Forwarded", "RateLimitMiddleware", "client_address"]
