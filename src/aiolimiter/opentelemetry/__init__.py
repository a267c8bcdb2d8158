"""
What limiters do, as OpenTelemetry's metrics and spans.

It needs the API, ``pip install "aiolimiter[opentelemetry]"``; whoever runs the
program chooses the SDK, and where its numbers go.
"""

from __future__ import annotations

from ._observer import OpenTelemetryObserver

__all__ = ["OpenTelemetryObserver"]
