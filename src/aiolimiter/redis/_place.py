"""
The key on the server: another one for each limiter, whatever strings users choose.

``aiolimiter:name``, and of a keyed limiter ``aiolimiter:name:key``.  What would
make two of them the same, or can't be read, is escaped as in an address: ``:``
and ``%``, control characters, halves of surrogate pairs.  Names keep their
braces, so that a cluster's hash tag works; in a key, which a stranger may have
chosen, they are escaped too.
"""

from __future__ import annotations

import re
from hashlib import sha256

_NAMES = re.compile("[:%\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEYS = re.compile("[:%{}\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# What is longer than this is cut, in characters, and hashed.
LONGEST = 200
_SHOWN = 100

# Before a hash; escapes go on with two digits.
_HASHED = "%~"


def place(name: str, key: str | None = None) -> str:
    """Return where the limit of *name* is; with *key*, that key's of a keyed one."""
    if key is None:
        return f"aiolimiter:{_told(_NAMES, name)}"
    return f"aiolimiter:{_told(_NAMES, name)}:{_told(_KEYS, key)}"


def _told(odd: re.Pattern[str], text: str) -> str:
    if len(text) <= LONGEST:
        told = odd.sub(_escaped, text)
        if len(told) <= LONGEST:
            return told
    shown = odd.sub(_escaped, text[:_SHOWN])[:_SHOWN]
    return f"{shown}{_HASHED}{sha256(_bytes(text)).hexdigest()}"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in _bytes(found[0]))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
