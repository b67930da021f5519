"""Draws the figures of the measurements beside this file: python draw.py [FOLDER].

Text and axes have the colour of the text around them, curves colours that can be read on light and
on dark; so one drawing serves both. The folder is by default figures/.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import colors, ticker
from matplotlib.axes import Axes

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  (after its backend)

MEASUREMENTS = Path(__file__).parent
WIDTH = 5.4  # inches; as wide as a telephone at 10 points is still read
INK = "#010203"  # becomes currentColor
# Of one lightness.
SERIES = ("#3b82d6", "#d9661f", "#2f9e5b", "#9a63d8", "#dc4a57", "#1296a4", "#a8792b", "#cf5aa5")
# From the first to the last of things that have an order: rates, sizes.
ORDERED = (
    "#4a7fe0",
    "#2f8ed1",
    "#1499b0",
    "#23a086",
    "#4ba35a",
    "#86982f",
    "#b08718",
    "#cf7120",
    "#dc5a3c",
    "#d64a6a",
)
PATHS = ("#ffffff", "#ff9d5c")  # on the darkest and the brightest of viridis

matplotlib.rcParams |= {
    "svg.fonttype": "none",
    "svg.hashsalt": "strop",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.5,
}


def has_order(names: list[str]) -> bool:
    return len(names) > 5 and all(re.match(r"[\d.]+", name) for name in names[:-1])


def set_axis(axes: Axes, axis: dict[str, Any], which: str) -> None:
    getattr(axes, f"set_{which}label")(axis["title"])
    if axis.get("log"):
        getattr(axes, f"set_{which}scale")("log")
        line = getattr(axes, f"{which}axis")
        low, high = getattr(axes, f"get_{which}lim")()
        if high / low < 300:  # ticks between the powers of ten, too
            line.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            line.set_major_formatter(ticker.FormatStrFormatter("%g"))
        line.set_minor_formatter(ticker.NullFormatter())
    elif which == "x":
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    if "range" in axis:
        getattr(axes, f"set_{which}lim")(axis["range"])


def put_legend(figure: Any, axes: Axes, count: int) -> None:
    longest = max(len(text) for text in axes.get_legend_handles_labels()[1])
    columns = max(1, min(count, 56 // (longest + 6)))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns)


def draw_lines(figure: Any, axes: Axes, chart: dict[str, Any]) -> None:
    names = [series["name"] for series in chart["series"]]
    palette = ORDERED if has_order(names) else SERIES
    for series, color in zip(chart["series"], palette, strict=False):
        y = [np.nan if value is None else value for value in series["y"]]
        marker = "o" if len(y) <= 30 else None
        dashes = "--" if series.get("dashed") else "-"
        axes.plot(series["x"], y, dashes, label=series["name"], color=color, marker=marker)
    axes.grid(True)
    set_axis(axes, chart["x"], "x")
    set_axis(axes, chart["y"], "y")
    if len(names) > 1:
        put_legend(figure, axes, len(names))


def draw_bars(figure: Any, axes: Axes, chart: dict[str, Any]) -> None:
    count = len(chart["series"])
    for i, (series, color) in enumerate(zip(chart["series"], SERIES, strict=False)):
        places = np.arange(len(series["x"])) + (i - (count - 1) / 2) * 0.8 / count
        errors = series.get("errors")
        style = {"ecolor": INK, "error_kw": {"elinewidth": 1, "capsize": 2}}
        axes.bar(
            places,
            [np.nan if value is None else value for value in series["y"]],
            0.72 / count,
            yerr=errors,
            label=series["name"],
            color=color,
            **style,
        )
    words = [word.replace(" ", "\n") for word in chart["series"][0]["x"]]
    axes.set_xticks(range(len(words)), words)
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)
    axes.set_xlabel(chart["x"]["title"])
    set_axis(axes, chart["y"], "y")
    if not chart["y"].get("log") and max(v or 0 for s in chart["series"] for v in s["y"]) >= 1e5:
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if count > 1:
        put_legend(figure, axes, count)


def draw_map(figure: Any, axes: Axes, chart: dict[str, Any]) -> None:
    values = np.array(
        [[np.nan if each is None else each for each in row] for row in chart["values"]]
    )
    spread = np.nanmax(np.abs(np.log10(values)))
    scale = colors.LogNorm(10**-spread, 10**spread)
    axes.pcolormesh(values, norm=scale, cmap="coolwarm", edgecolors="none")
    for (row, column), value in np.ndenumerate(values):
        text = "lost" if np.isnan(value) else f"{value:.1g}" if value < 0.1 else f"{value:.3g}"
        # The colours near 1 are bright, the others dark.
        has_dark = not np.isnan(value) and abs(np.log10(value)) > spread / 2
        ink = INK if np.isnan(value) else "white" if has_dark else "black"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, size=9)
    axes.set_xticks(np.arange(values.shape[1]) + 0.5, chart["columns"])
    labels = [label.replace(", ", ",\n") for label in chart["rows"]]
    axes.set_yticks(np.arange(values.shape[0]) + 0.5, labels, multialignment="right")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.invert_yaxis()
    axes.set_xlabel(chart["x"]["title"])


def draw_plane(figure: Any, axes: Axes, chart: dict[str, Any]) -> None:
    values = np.array(chart["values"])
    levels = np.geomspace(values.min(), values.max(), 16)
    filled = axes.contourf(
        chart["columns"],
        chart["rows"],
        values,
        levels=levels,
        norm=colors.LogNorm(),
        cmap="viridis",
    )
    for path, color in zip(chart["paths"], PATHS, strict=True):
        axes.plot(path["x"], path["y"], color=color, marker="o", markersize=2.5, label=path["name"])
        axes.annotate(
            path["name"],
            (path["x"][0], path["y"][0]),
            (4, 4),
            textcoords="offset points",
            color=color,
            weight="bold",
        )
    bar = figure.colorbar(filled, ax=axes, format=ticker.FormatStrFormatter("%.2g"))
    bar.set_label("loss")
    bar.outline.set_visible(False)
    bar.ax.minorticks_off()
    axes.set_xlabel(chart["x"]["title"])
    axes.set_ylabel(chart["y"]["title"])


KINDS = {"lines": draw_lines, "bars": draw_bars, "map": draw_map, "plane": draw_plane}


def inline(svg: str, name: str) -> str:
    """As a page can hold it among others: names of its own, no size, no prologue."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r" <metadata>.*?</metadata>\n", "", svg, flags=re.S)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))

    def rename(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in used else ""

    svg = re.sub(r' id="([^"]+)"', rename, svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    svg = svg.replace(INK, "currentColor")
    # Matplotlib's black is the default of SVG's own.
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def draw(name: str, chart: dict[str, Any], folder: Path) -> None:
    heights = {"plane": 4.0, "map": 3.6}
    legend = 0.2 * len(chart.get("series", ())) / 3
    height = heights.get(chart["kind"], 3.0 + legend)
    figure, axes = pyplot.subplots(figsize=(WIDTH, height), layout="constrained")
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    KINDS[chart["kind"]](figure, axes, chart)
    path = folder / f"{name}.{chart['name']}.svg"
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(path, metadata=nothing)
    pyplot.close(figure)
    path.write_text(inline(path.read_text(encoding="utf-8"), path.stem.replace(".", "-")))


def draw_all(folder: Path) -> None:
    for path in sorted(MEASUREMENTS.glob("*.json")):
        measured = json.loads(path.read_text(encoding="utf-8"))
        for chart in measured["charts"]:
            draw(path.stem, chart, folder)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else MEASUREMENTS / "figures")
