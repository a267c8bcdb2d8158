"""A strip of dots over time, as SVG: one dot an admission, stacked by instant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple
from xml.sax.saxutils import escape

# So narrow that a phone, which makes it fit, leaves letters that can be read.
WIDTH, LETTERS = 480, 13
LEFT, RIGHT, STEP, RADIUS = 8, 16, 7.0, 2.9
# In dots, so that there is room for words above them.
_LEAST = 4


class Tone(Enum):
    """What is drawn in one colour: on white, and on black."""

    INK = ("#57606a", "#9da7b1")
    DOT = ("#0969da", "#58a6ff")
    LOUD = ("#bc4c00", "#f0883e")


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
    dots: Sequence[tuple[float, Tone]]
    stretch: Stretch
    rushes: Sequence[tuple[float, str]] = ()


def draw(strips: Sequence[Strip], *, until: float, tick: float, dark: bool) -> str:
    """
    Draw strips above each other, over one axis of time.

    Args:
        strips: From top to bottom.
        until: Where the axis ends, in seconds.
        tick: From one number on the axis to the next, in seconds.
        dark: Whether it is for a dark page.
    """
    scale = (WIDTH - LEFT - RIGHT) / until
    floor, parts = 0.0, []
    for strip in strips:
        tall = _tallest(strip, scale) * STEP
        floor += 54 + tall
        parts += _strip(strip, floor, tall, scale)
    height = floor + 28
    last = int(until / tick)
    for label in [number * tick for number in range(last + 1)]:
        x = LEFT + label * scale
        unit = " s" if label == last * tick else ""
        parts.append(_text(x, floor + 22, f"{label:g}{unit}", anchor="middle"))
    names = escape("; ".join(f"{s.title}: {s.stretch.text}" for s in strips))
    drawn = "\n".join(
        [
            (
                '<svg xmlns="http://www.w3.org/2000/svg" '
                f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
                'font-family="system-ui, sans-serif" font-size="{LETTERS}">'
            ),
            f"<title>{names}</title>",
            *parts,
            "</svg>\n",
        ]
    )
    for tone in Tone:
        drawn = drawn.replace(_named(tone), tone.value[dark])
    return drawn


def _named(tone: Tone) -> str:
    return f"({tone.name})"


def _tallest(strip: Strip, scale: float) -> int:
    stacks = Counter(_x(at, scale) for at, _ in strip.dots)
    return max(_LEAST, *stacks.values())


def _x(at: float, scale: float) -> float:
    return round(LEFT + at * scale, 1)


def _strip(strip: Strip, floor: float, tall: float, scale: float) -> list[str]:
    ink, loud = _named(Tone.INK), _named(Tone.LOUD)
    top = floor - tall - 10
    start, end = (_x(at, scale) for at in strip.stretch[:2])
    parts = [
        _text(LEFT, top - 22, strip.title, bold=True),
        (
            f'<rect x="{start:g}" y="{top:g}" width="{end - start:.1f}" '
            f'height="{floor - top:g}" fill="{loud}" fill-opacity="0.16"/>'
        ),
        _text(start, top - 5, strip.stretch.text, tone=Tone.LOUD),
        f'<line x1="{LEFT}" x2="100%" y1="{floor:g}" y2="{floor:g}" stroke="{ink}"/>',
    ]
    for at, text in strip.rushes:
        x = _x(at, scale)
        parts.append(f'<path d="M{x:g} {floor + 1:g} l-4 7 h8 z" fill="{ink}"/>')
        parts.append(_text(x + 9, top + 16, text))
    stacked: Counter[float] = Counter()
    for instant, tone in strip.dots:
        x = _x(instant, scale)
        y = floor - 5 - STEP * stacked[x]
        stacked[x] += 1
        hue = _named(tone)
        parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}" fill="{hue}"/>')
    return parts


def _text(  # noqa: PLR0913 -- where, what, and how it looks
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    bold: bool = False,
    tone: Tone = Tone.INK,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:g}" fill="{_named(tone)}" '
        f'text-anchor="{anchor}"{weight}>{escape(text)}</text>'
    )
