"""
Draw the pictures of the documentation.

``python docs/pictures/draw.py`` writes them; with ``--check`` it only says
which of them are not what it would write.
"""

from __future__ import annotations

import sys
from pathlib import Path

import chats
import rushes
import strip

HERE = Path(__file__).parent


def pictures() -> dict[str, str]:
    """Return each picture by the name of its file."""
    names = ["default", "paced", "started-full", "window"]
    strips = rushes.which_limiter()
    drawn = {
        name: strip.draw([one], until=372, tick=60, tall=10)
        for name, one in zip(names, strips, strict=True)
    }
    for name, pair in {
        "everyone-first": chats.everyone_first(),
        "chat-first": chats.chat_first(),
    }.items():
        drawn[name] = strip.draw(pair, until=12.5, tick=2, tall=6)
    return {f"{name}.svg": picture for name, picture in drawn.items()}


def main() -> None:
    """Write all pictures, or compare them."""
    drawn = pictures()
    if sys.argv[1:] != ["--check"]:
        for name, picture in drawn.items():
            (HERE / name).write_text(picture, "utf-8")
        return
    stale = [
        name
        for name, picture in drawn.items()
        if not (HERE / name).is_file() or (HERE / name).read_text("utf-8") != picture
    ]
    if stale:
        sys.exit(f"not as drawn: {', '.join(stale)}; run docs/pictures/draw.py")


if __name__ == "__main__":
    main()
