"""
For the site: examples in docstrings, as Markdown.

What ``::`` introduces is code in Markdown too, for it is indented, but the two
colons would be printed; and what begins with ``>>>`` would be a quotation in a
quotation in a quotation.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension

_ALONE = re.compile(r"^[ ]*::\n", re.MULTILINE)
_AFTER = re.compile(r"::$", re.MULTILINE)
_PROMPT = re.compile(r"^([ ]*)>>> .*(?:\n[ ]*\S.*)*", re.MULTILINE)


class Literal(Extension):
    """Drops colons that stand alone, one of two after a word, and fences prompts."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Look at one name's docstring."""
        if obj.docstring is not None:
            text = _ALONE.sub("", obj.docstring.value)
            text = _PROMPT.sub(r"\1```pycon\n\g<0>\n\1```", text)
            obj.docstring.value = _AFTER.sub(":", text)
