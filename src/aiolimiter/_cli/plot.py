"""A picture of a simulation, in a file."""

from __future__ import annotations

import html
import io
from pathlib import Path
from typing import Any

from .._sim.trial import Report
from . import extra
from .reports import rates, step

# Where a page is dark, the picture is: text and axes have the colour of the page's.
_INK = "#1f2328"
_STYLE = f"""
svg {{max-width: 100%; height: auto}}
svg, body {{color: {_INK}; background: #ffffff}}
@media (prefers-color-scheme: dark) {{
svg, body {{color: #e6edf3; background: #0d1117}}}}
"""
_LOOK = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor"), _INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), _INK),
    "axes.facecolor": "none",
    "svg.hashsalt": "aiolimiter",  # the same run draws the same bytes
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ font: 16px sans-serif; max-width: 60em; }}
body {{ margin: 2em auto; padding: 0 1em; }}
h1 {{ font-size: 1.2em; }} svg {{ width: 100%; height: auto; }}</style>
<h1>{title}</h1>
{picture}
</html>
"""


def draw(path: Path, found: list[Report]) -> None:
    """
    Draw arrivals, admissions and the queue of all that were tried.

    Args:
        path: Ends in .svg, .png or .html.
        found: What to draw, one below the other.

    Raises:
        OSError: The file can't be written.
    """
    with extra.need("matplotlib").rc_context(_LOOK):
        figure = _figure(found)
        if path.suffix == ".png":
            figure.savefig(path, dpi=150)
            return
        picture = _svg(figure)
    if path.suffix == ".html":
        title = html.escape(", ".join(report.limit for report in found))
        # Without the declaration of a file of its own.
        picture = _PAGE.format(title=title, picture=picture[picture.index("<svg") :])
    path.write_text(picture, encoding="utf-8")


def _figure(found: list[Report]) -> Any:
    figure: Any = extra.need("matplotlib.figure").Figure(
        figsize=(9, 2.6 * len(found) + 0.6), layout="constrained"
    )
    rows = figure.subplots(len(found), 1, squeeze=False, sharex=True)
    for (axes,), report in zip(rows, found, strict=True):
        _draw_one(axes, report)
    rows[-1, 0].set_xlabel("seconds")
    return figure


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", facecolor="none", metadata={"Date": None})
    picture = text.getvalue().replace(_INK, "currentColor")
    return picture.replace("</style>", f"{_STYLE}</style>", 1)


def _draw_one(axes: Any, report: Report) -> None:
    waiting = [row.waiting for row in report.rows]
    edges = [number * step(report) for number in range(len(waiting) + 1)]
    # An area and lines: where all go at once, none of them hides another.
    came = {"fill": True, "alpha": 0.5, "label": "arrived a second"}
    went = {"color": "tab:orange", "lw": 1.5, "label": "admitted a second"}
    axes.stairs(rates(report, 1), edges, **came)
    axes.stairs(rates(report, 2), edges, **went)
    axes.set_title(report.limit, loc="left", family="monospace", size="medium")
    axes.set_ylim(bottom=0)
    queue = axes.twinx()
    dots = {"color": "tab:gray", "linestyle": ":", "lw": 1.5}
    queue.stairs(waiting, edges, **dots)
    queue.set_ylim(0, max(1.0, 1.05 * max(waiting, default=0)))
    queue.yaxis.get_major_locator().set_params(integer=True)
    axes.plot([], [], **dots, label="waiting (right)")
    # Above: anywhere inside it would lie on what is drawn.
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.97), "ncols": 3}
    axes.legend(**above, frameon=False)
