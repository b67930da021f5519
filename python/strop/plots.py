"""What the package's pictures share. Colors are those of matplotlib's style, light or dark."""

from typing import Any

from strop.extras import needed


def pyplot() -> Any:
    return needed("matplotlib.pyplot", "plot")


def new_axes(rows: int = 1) -> list[Any]:
    """Axes of a new figure, one below the other."""
    width, height = pyplot().rcParams["figure.figsize"]
    size = (width, height * (0.4 + 0.6 * rows))
    figure, axes = pyplot().subplots(
        rows, sharex=True, squeeze=False, figsize=size, layout="constrained"
    )
    return list(axes[:, 0])


def text_color() -> Any:
    """Of lines that say something about the others."""
    return pyplot().rcParams["text.color"]


def count_by_ones(axis: Any) -> None:
    """Ticks of an axis at whole numbers."""
    ticker = needed("matplotlib.ticker", "plot")
    axis.set_major_locator(ticker.MaxNLocator(integer=True))
