"""A strip of dots over time, as SVG: one dot an admission, stacked by instant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

# Tones that can be read on white and on black.
INK, DOT, LOUD = "#7d8590", "#3b8eea", "#d9730d"

LEFT, RIGHT, STEP, RADIUS = 16, 16, 8.0, 3.4


class Stretch(NamedTuple):
    """A stretch of time to point at, and what to say of it."""

    start: float
    end: float
    text: str


class Strip(NamedTuple):
    """
    What one strip shows.

    Attributes:
        title: What it is.
        dots: When something was admitted, in seconds, and in which colour.
        stretch: Where to look.
        rushes: When many came at once, and what to write there.
    """

    title: str
    dots: Sequence[tuple[float, str]]
    stretch: Stretch
    rushes: Sequence[tuple[float, str]] = ()


def draw(
    strips: Sequence[Strip], *, until: float, tick: float, tall: int, width: int = 720
) -> str:
    """
    Draw strips above each other, over one axis of time.

    Args:
        strips: From top to bottom.
        until: Where the axis ends, in seconds.
        tick: From one number on the axis to the next, in seconds.
        tall: How many dots a stack has at most.
        width: In pixels.
    """
    scale = (width - LEFT - RIGHT) / until
    room = 54 + tall * STEP
    parts = []
    for number, strip in enumerate(strips):
        parts += _strip(strip, (number + 1) * room, tall * STEP, scale)
    floor = len(strips) * room
    height = floor + 28
    last = int(until / tick)
    for label in [number * tick for number in range(last + 1)]:
        x = LEFT + label * scale
        unit = " s" if label == last * tick else ""
        parts.append(_text(x, floor + 22, f"{label:g}{unit}", anchor="middle"))
    names = escape("; ".join(f"{s.title}: {s.stretch.text}" for s in strips))
    return "\n".join(
        [
            (
                '<svg xmlns="http://www.w3.org/2000/svg" '
                f'viewBox="0 0 {width} {height:g}" width="{width}" '
                'font-family="system-ui, sans-serif" font-size="13">'
            ),
            f"<title>{names}</title>",
            *parts,
            "</svg>\n",
        ]
    )


def _strip(strip: Strip, floor: float, tall: float, scale: float) -> list[str]:
    top = floor - tall - 10
    start, end = (LEFT + at * scale for at in strip.stretch[:2])
    parts = [
        _text(LEFT, top - 22, strip.title, bold=True),
        (
            f'<rect x="{start:.1f}" y="{top:g}" width="{end - start:.1f}" '
            f'height="{floor - top:g}" fill="{LOUD}" fill-opacity="0.16"/>'
        ),
        _text(start, top - 5, strip.stretch.text, hue=LOUD),
        f'<line x1="{LEFT}" x2="100%" y1="{floor:g}" y2="{floor:g}" stroke="{INK}"/>',
    ]
    for at, text in strip.rushes:
        x = LEFT + at * scale
        parts.append(f'<path d="M{x:.1f} {floor + 1:g} l-4 7 h8 z" fill="{INK}"/>')
        parts.append(_text(x + 9, top + 16, text))
    stacked: dict[float, int] = {}
    for instant, hue in strip.dots:
        x = round(LEFT + instant * scale, 1)
        y = floor - 5 - STEP * stacked.setdefault(x, 0)
        stacked[x] += 1
        parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}" fill="{hue}"/>')
    return parts


def _text(  # noqa: PLR0913 -- where, what, and how it looks
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    bold: bool = False,
    hue: str = INK,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:g}" fill="{hue}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )
