"""Who a client is, by its address."""

from __future__ import annotations

import logging
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Address: TypeAlias = IPv4Address | IPv6Address

# What one customer has at least, so that nobody is a new client at will.
PREFIX = 64
# How many addresses are kept as what they mean.
KEPT = 4096
# No address is longer; a stranger's string may be.
_LONGEST = 64

_log = logging.getLogger("aiolimiter.asgi")


def client_address(scope: Mapping[str, Any]) -> str:
    """
    Tell who is at the other end of the connection, by the address.

    An IPv6 address counts as its network of 64 bits, for one customer has at
    least that; ``::ffff:192.0.2.7`` is 192.0.2.7.  Where there is no address, as
    on a unix socket, all are one client, ``""``, and a warning is logged once:
    behind a proxy use `Forwarded`.

    >>> from aiolimiter.asgi import client_address
    >>> client_address({"client": ("192.0.2.7", 50123)})
    '192.0.2.7'
    >>> client_address({"client": ("2001:db8:1:2:3:4:5:6", 50123)})
    '2001:db8:1:2::/64'

    Args:
        scope: That of an ASGI connection.
    """
    client = scope.get("client")
    return _client(client[0]) if client else nobody()


def nobody() -> str:
    """Return the name of who has no address, and warn of it once."""
    _warn()
    return ""


@cache
def _warn() -> None:
    _log.warning(
        "no client address here, as on a unix socket: all share one limit; "
        "behind a proxy use key=Forwarded(['unix'])"
    )


@lru_cache(KEPT)
def _client(host: str) -> str:
    address = parse(host)
    # What is no address names its client all the same: a test's, for example.
    return host if address is None else named(address, PREFIX)


def named(address: Address, prefix: int) -> str:
    """Return the name of a client; of an IPv6 address *prefix* bits count."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), prefix), strict=False))


def parse(text: str) -> Address | None:
    """Return the address that *text* is, without its zone; None if it is none."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
