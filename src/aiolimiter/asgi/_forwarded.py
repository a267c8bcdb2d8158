"""Who a client is, by what trusted proxies say."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from ._address import KEPT, PREFIX, client_address, named, nobody, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    _Network: TypeAlias = IPv4Network | IPv6Network

# How much of a header is looked at: no chain of proxies is longer.
_ENTRIES = 32
_CHARACTERS = 2048

_UNIX = "unix"
_BITS = 128
# An address with or without a port, which may be an obfuscated one.
_NODE = re.compile(
    r"\[(?P<six>[^\[\]]*)\](:[\w.-]*)?|(?P<four>[\d.]*):[\w.-]*|(?P<bare>.*)", re.ASCII
)
_FOR = re.compile(r'[ \t]*for=(?:"([^"\\]*)"|([^"\\]*?))[ \t]*', re.IGNORECASE)


@final
class Forwarded:
    """
    Tells who a client is behind proxies: a ``key`` that can't be forged.

    A header is believed only as far as trusted proxies wrote it: read from the
    right, the first address that is not trusted is the client.  When the peer
    itself is not trusted, the header is not looked at.

    >>> from aiolimiter.asgi import Forwarded
    >>> key = Forwarded(["10.0.0.0/8"])
    >>> key({
    ...     "client": ("10.0.0.1", 50123),
    ...     "headers": [(b"x-forwarded-for", b"6.6.6.6, 192.0.2.7, 10.0.0.2")],
    ... })
    '192.0.2.7'

    Args:
        trusted: The proxies: addresses and networks; ``"unix"`` for a peer without
            an address, on a unix socket.
        header: Which one they write; the other may be forged, so it is one of
            ``"x-forwarded-for"`` and ``"forwarded"`` (RFC 7239).
        ipv6_prefix: How many bits of an IPv6 address are one client.

    Raises:
        ValueError: *trusted* is empty, or one is neither an address nor a
            network; or *header* or *ipv6_prefix* can't be.
    """

    def __init__(
        self,
        trusted: str | Iterable[str],
        header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for",
        ipv6_prefix: int = PREFIX,
    ) -> None:
        names = [trusted] if isinstance(trusted, str) else [str(n) for n in trusted]
        if not names:
            msg = "trusted must name a proxy, got none: without one use client_address"
            raise ValueError(msg)
        if header not in {"x-forwarded-for", "forwarded"}:
            msg = f"header must be x-forwarded-for or forwarded, got {header!r}"
            raise ValueError(msg)
        if not 1 <= ipv6_prefix <= _BITS:
            msg = f"ipv6_prefix must be 1 to {_BITS}, got {ipv6_prefix!r}"
            raise ValueError(msg)
        self._unix = _UNIX in names
        self._networks = [_network(name) for name in names if name != _UNIX]
        self._header = header.encode()
        self._entries = _plain if header == "x-forwarded-for" else _elements
        self._prefix = ipv6_prefix
        # What an entry means, and whether it is trusted.
        self._look = lru_cache(KEPT)(self._judge)

    def __call__(self, scope: Mapping[str, Any]) -> str:
        """Return the client's address."""
        client = scope.get("client")
        if client is None and not self._unix:
            return nobody()
        name, trusted = self._look(client[0]) if client else ("", True)
        if not trusted:
            return client_address(scope) if name is None else name
        for entry in self._entries(self._text(scope)):
            said, trusted = self._look(entry)
            if said is None:
                break
            name = said
            if not trusted:
                break
        return name or nobody()

    def _text(self, scope: Mapping[str, Any]) -> str:
        lines = [value for name, value in scope["headers"] if name == self._header]
        text = b",".join(lines).decode("latin-1")
        whole = len(text) <= _CHARACTERS and text.count(",") < _ENTRIES
        return text if whole else ""

    def _judge(self, entry: str) -> tuple[str | None, bool]:
        address = parse(entry)
        if address is None:
            return None, False
        trusted = any(address in network for network in self._networks)
        return named(address, self._prefix), trusted


def _network(name: str) -> _Network:
    try:
        return ip_network(name)
    except ValueError as error:
        msg = f"trusted must be addresses, networks or 'unix', got {name!r}: {error}"
        raise ValueError(msg) from None


def _plain(text: str) -> Iterator[str]:
    # The entries, last first.
    return (_host(entry.strip(" \t")) for entry in reversed(text.split(",")))


def _elements(text: str) -> Iterator[str]:
    # Not read as quoted strings, of which one that is left open would swallow what
    # a proxy has added behind it.
    for element in reversed(text.split(",")):
        found = [_FOR.fullmatch(pair) for pair in element.split(";")]
        nodes = [match[1] or match[2] or "" for match in found if match]
        yield _host(nodes[0]) if len(nodes) == 1 else ""


def _host(node: str) -> str:
    match = _NODE.fullmatch(node)
    return (match["six"] or match["four"] or match["bare"] or "") if match else ""
