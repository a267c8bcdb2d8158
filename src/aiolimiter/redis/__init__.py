"""
One limit for many processes and hosts, kept by a Redis or Valkey server.

The client is yours: ``redis.asyncio`` or ``valkey.asyncio``, standalone, cluster
or a Sentinel's.  Nothing of it is imported here.
"""

from __future__ import annotations

from ._keyed import RedisKeyedLimiter
from ._limiter import RedisLimiter

__all__ = ["RedisKeyedLimiter", "RedisLimiter"]
