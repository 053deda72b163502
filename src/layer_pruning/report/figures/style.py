"""How figures look, and how they are written.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; markers and line styles
differ too, so that a grey print reads as well. The baseline is black. Figures are built without
pyplot, which costs half a second to import and keeps a global list of figures.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

from matplotlib import rc_context
from matplotlib.figure import Figure

from layer_pruning.report.records import BASELINE
from layer_pruning.runtime.atomic import written_whole

BLACK, GREY, PALE = "#000000", "#7f7f7f", "#d9d9d9"
BASELINE_BAR = "#595959"  # a bar in black would drown what is drawn on it
# Okabe and Ito without black (the baseline) and yellow (too pale for a line on white).
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
LINES: list[Any] = ["-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 3))]
DASHED = (0, (4, 2))  # of what would be equal
PRINT_DPI = 300  # pixels an inch of what is not vector
HATCHES = ["////", "....", "xxxx", "----", "\\\\\\\\", "++++"]  # of bars beside a plain one
SEQUENCE = "cividis"  # even in lightness, for colour-blind readers and for grey

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
    "savefig.dpi": PRINT_DPI,
    "svg.fonttype": "none",  # text stays text: it can be found, read aloud and edited
    "svg.hashsalt": "layer-pruning",  # the same figure gives the same bytes
}
FEW = 4  # curves that one panel can hold; beyond, every criterion gets a panel

Arguments = ParamSpec("Arguments")


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """A function that draws a figure, in the report's style."""

    @wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, *paths: str | Path) -> None:
    """Write a figure whole to each path; the suffix (.svg, .png, .pdf) chooses the format."""
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    for path in paths:
        with rc_context(STYLE), written_whole(path) as temporary:
            figure.savefig(temporary, metadata=undated.get(Path(path).suffix, {}))


def criterion_styles(criteria: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker and line style by criterion; the same names give the same styles."""
    hollow = {"color": BLACK, "marker": "o", "linestyle": "-", "markerfacecolor": "white"}
    styles: dict[str, dict[str, Any]] = {BASELINE: hollow}
    for place, name in enumerate(sorted(set(criteria) - {BASELINE})):
        styles[name] = {
            "color": COLOURS[place % len(COLOURS)],
            "marker": MARKERS[place % len(MARKERS)],
            "linestyle": LINES[place % len(LINES)],
        }
    return styles


def bar_styles(criteria: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and hatch of bars by criterion, in the colours of :func:`criterion_styles`."""
    styles: dict[str, dict[str, Any]] = {BASELINE: {"facecolor": BASELINE_BAR}}
    for place, name in enumerate(sorted(set(criteria) - {BASELINE})):
        colour, hatch = COLOURS[place % len(COLOURS)], HATCHES[place % len(HATCHES)]
        styles[name] = {"facecolor": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
    return styles


def faint(style: Mapping[str, Any], size: float = 3.5) -> dict[str, Any]:
    """How single seeds are drawn beside their mean in ``style``; ``size`` is in points."""
    return {
        "color": style["color"],
        "marker": style["marker"],
        "linestyle": "none",
        "alpha": 0.35,
        "markersize": size,
        "markeredgewidth": 0,
    }


def headline(figure: Figure, *lines: str) -> None:
    """The title above all panels of a figure."""
    figure.suptitle("\n".join(filter(None, lines)), x=0.01, ha="left", fontsize=10)


def sentence(text: str) -> Figure:
    """A figure in place of one that has no data."""
    figure = Figure(figsize=(6, 1))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    return figure
