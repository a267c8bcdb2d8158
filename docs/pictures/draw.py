"""
Draw the pictures of the documentation, each for a light and for a dark page.

``python docs/pictures/draw.py`` writes them beside this file, or into the
directory that is named; with ``--check`` it only says which of them are not what
it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import changes
import chats
import rushes
from strip import Strip, draw

HERE = Path(__file__).parent


class Picture(NamedTuple):
    """Strips above each other, and the axes they have."""

    name: str
    strips: list[Strip]
    until: float
    tick: float


def pictures() -> Iterator[Picture]:
    """Go through all there are."""
    yield Picture("front", rushes.front(), 64, 10)
    names = ["default", "paced", "started-full", "window"]
    for name, strip in zip(names, rushes.which_limiter(), strict=True):
        yield Picture(name, [strip], 390, 60)
    yield Picture("why", rushes.why(), 90, 10)
    yield Picture("everyone-first", chats.everyone_first(), 12.5, 2)
    yield Picture("adaptive", changes.followed(), 195, 30)
    yield Picture("chat-first", chats.chat_first(), 12.5, 2)


def drawn() -> Iterator[tuple[str, str]]:
    """Go through the files: the name of each, and what is in it."""
    for name, strips, until, tick in pictures():
        for dark in (False, True):
            picture = draw(strips, until=until, tick=tick, dark=dark)
            yield f"{name}-{'dark' if dark else 'light'}.svg", picture


def main() -> None:
    """Write all pictures, or compare them."""
    files = dict(drawn())
    if sys.argv[1:] != ["--check"]:
        for name, picture in files.items():
            (Path(*sys.argv[1:] or [HERE]) / name).write_text(picture, "utf-8")
        return
    found = {path.name: path.read_text("utf-8") for path in HERE.glob("*.svg")}
    names = sorted(files.keys() | found.keys())
    odd = [name for name in names if files.get(name) != found.get(name)]
    if odd:
        sys.exit(f"not as drawn: {', '.join(odd)}; run docs/pictures/draw.py")


if __name__ == "__main__":
    main()
