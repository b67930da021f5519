"""The loss around trained weights, as numbers and as pictures."""

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from strop.arrays import Array
from strop.data import Samples, Targets, is_path, named_arrays
from strop.datasets import is_dataset
from strop.errors import UsageError
from strop.loading import load
from strop.model import Model
from strop.option_rows import PathText, landscape_options
from strop.option_types import LossLandscapeOptions
from strop.options import rows_of, take_options
from strop.plots import new_axes, pyplot, text_color
from strop.program import perform

_KINDS = ("contour", "surface", "lines")
_LOGARITHMIC_FROM = 50  # the greatest loss over the least, as on the program's page
_LEVELS = 20


@dataclass(frozen=True)
class LandscapePath:
    """A training on its way over the plane.

    >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=4, run_directory="run")
    >>> history = trainer.fit(x, y)
    >>> found = strop.landscape(trainer.model, x, y, resolution=3, run_directory="run")
    >>> found.paths[0].name, found.paths[0].loss.shape == found.paths[0].x.shape
    ('run', True)
    """

    name: str
    labels: tuple[str, ...]  # of its checkpoints
    x: Array  # [checkpoints]
    y: Array
    loss: Array  # there, not of the plane's nearest point


@dataclass(frozen=True)
class Landscape:
    """Losses of weights in a plane: trained ones + x · one direction + y · another.

    >>> found = strop.landscape("model.onnx", x, y, resolution=3)
    >>> found.x.shape, found.y.shape, found.paths
    ((3,), (3,), ())
    """

    x: Array  # [columns]; random directions: 1 is as far as the weights are from 0
    y: Array  # [rows]
    loss: Array  # [rows, columns]
    center_loss: float  # at (0, 0)
    paths: tuple[LandscapePath, ...] = ()
    explained: tuple[float, ...] = ()  # share of the paths' way along x and y; () without paths

    def plot(self, kind: str = "contour", ax: Any = None) -> Any:
        """Draws it with matplotlib, on `ax` or on new axes, and gives these.

        kind: "contour", from above, with the paths; "surface", whose axes are of projection="3d";
        "lines", the losses along either direction through the trained weights. Losses that differ
        by more than 50 times are drawn in logarithms. Raises strop.UsageError for another kind.

            >>> ax = strop.landscape("model.onnx", x, y, resolution=3).plot("lines")
            >>> ax.get_ylabel()
            'loss'
        """
        if kind not in _KINDS:
            raise UsageError(f"kind: found {kind!r}, expected one of {', '.join(_KINDS)}")
        if ax is None and kind == "surface":
            figure = pyplot().figure(layout="constrained")
            ax = figure.add_subplot(projection="3d")
        elif ax is None:
            [ax] = new_axes()
        {"contour": self._draw_contours, "surface": self._draw_surface, "lines": self._draw_lines}[
            kind
        ](ax)
        return ax

    @property
    def _is_logarithmic(self) -> bool:
        known = self.loss[np.isfinite(self.loss)]
        if not known.size or known.min() <= 0:
            return False
        return bool(known.max() > _LOGARITHMIC_FROM * known.min())

    def _draw_contours(self, ax: Any) -> None:
        shown = np.ma.masked_invalid(self.loss)
        low, high = float(shown.min()), float(shown.max())
        norm = levels = None
        if self._is_logarithmic:
            levels = np.geomspace(low, high, _LEVELS + 1)
            norm = pyplot().matplotlib.colors.LogNorm(low, high)
        elif high > low:
            levels = np.linspace(low, high, _LEVELS + 1)
        filled = ax.contourf(self.x, self.y, shown, levels, norm=norm, cmap="viridis")
        ax.contour(self.x, self.y, shown, levels, colors="white", linewidths=0.4, alpha=0.5)
        bar = ax.figure.colorbar(filled, ax=ax, label="loss", format="%.3g")
        bar.ax.minorticks_off()
        for number, path in enumerate(self.paths, 1):
            color = f"C{number}"
            ax.plot(path.x, path.y, ".-", color=color, label=path.name)
            ax.plot(path.x[:1], path.y[:1], "o", color=color, markerfacecolor="white")
            ax.plot(path.x[-1:], path.y[-1:], "*", color=color, markersize=12)
        if not self.paths:
            ax.plot(0, 0, "P", color="C3", markersize=9, label="trained weights")
        ax.legend()
        self._name_directions(ax)

    def _draw_surface(self, ax: Any) -> None:
        heights = np.ma.masked_invalid(self.loss)
        if self._is_logarithmic:
            heights = np.ma.log10(heights)
        columns, rows = np.meshgrid(self.x, self.y)
        ax.plot_surface(columns, rows, heights, cmap="viridis", rcount=101, ccount=101)
        ax.set_zlabel("log10 of the loss" if self._is_logarithmic else "loss")
        self._name_directions(ax)

    def _draw_lines(self, ax: Any) -> None:
        row, column = (int(np.abs(numbers).argmin()) for numbers in (self.y, self.x))
        ax.plot(self.x, self.loss[row], label="along direction 1")
        ax.plot(self.y, self.loss[:, column], label="along direction 2")
        ax.axvline(0, color=text_color(), linestyle=":", alpha=0.7)
        ax.plot(0, self.center_loss, "o", color=text_color(), label="trained weights")
        if self._is_logarithmic:
            ax.set_yscale("log")
        ax.set_xlabel("distance")
        ax.set_ylabel("loss")
        ax.grid(alpha=0.3)
        ax.legend()

    def _name_directions(self, ax: Any) -> None:
        shares = [f" ({share:.0%} of the way)" for share in self.explained] or ["", ""]
        ax.set_xlabel(f"direction 1{shares[0]}")
        ax.set_ylabel(f"direction 2{shares[1]}")


def landscape(
    model: "Model | str | os.PathLike[str]",
    x: Samples,
    y: Targets = None,
    *,
    path: "PathText | Iterable[PathText] | Iterable[Iterable[PathText]] | None" = None,
    **options: Unpack[LossLandscapeOptions],
) -> Landscape:
    """The loss around the weights of a model, as `strop landscape` measures it.

    model: a Model or an ONNX file. x, y: as of `Trainer.fit`, but datasets. path: a training's
    models or checkpoints in order, or several such lists; run_directory: the folder of a run, or
    several. The plane is then that of their ways.

        >>> found = strop.landscape("model.onnx", x, y, resolution=3)
        >>> found.loss.shape, bool(found.center_loss < found.loss.max())
        ((3, 3), True)
    """
    arguments = _arguments_of({"path": path, **options})
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        file: Any = model
        if isinstance(model, Model):
            file = work / "model.onnx"
            model.save(file)
        grid = work / "landscape.npz"
        done = perform(
            "landscape",
            MODEL=file,
            data=_data_of(model, x, y, work),
            output=work / "landscape.html",
            grid=grid,
            **arguments,
        )
        with np.load(grid) as numbers:
            return Landscape(
                x=numbers["x"],
                y=numbers["y"],
                loss=numbers["loss"],
                center_loss=float(numbers["center_loss"]),
                paths=tuple(_path_of(path) for path in done.get("paths", ())),
                explained=tuple(done.get("explained", ())),
            )


def _arguments_of(options: dict[str, object]) -> dict[str, object]:
    """Options of the operation, without those that are arguments here or files."""
    for name in options.keys() - {option.keyword for option in _SHOWN}:
        raise TypeError(f"found an option {name!r}, which there is not")
    path: Any = options.get("path")
    if path is None:
        return options
    trainings = [path] if is_path(path) or any(map(is_path, path)) else path
    lists = [[files] if is_path(files) else files for files in trainings]
    # The table's word for several files of one training.
    return {**options, "path": ["\n".join(map(os.fspath, files)) for files in lists]}


def _data_of(model: Any, x: Samples, y: Targets, work: Path) -> "str | os.PathLike[str]":
    if is_path(x):
        if y is not None:
            raise UsageError("y: found targets beside a path, expected them in its files")
        return x  # type: ignore[no-any-return]
    if is_dataset(x):
        raise UsageError("x: found a dataset, expected arrays, a table or a path")
    loaded = model if isinstance(model, Model) else load(model)
    file = work / "data.npz"
    np.savez(file, **named_arrays([value.name for value in loaded.inputs], x, y))  # type: ignore[arg-type]
    return file


def _path_of(path: dict[str, Any]) -> LandscapePath:
    points: Sequence[dict[str, Any]] = path["points"]
    return LandscapePath(
        name=path["name"],
        labels=tuple(point["label"] for point in points),
        x=np.array([point["x"] for point in points]),
        y=np.array([point["y"] for point in points]),
        loss=np.array([point["loss"] for point in points]),
    )


_SHOWN = landscape_options(rows_of("landscape").values())
take_options(landscape, _SHOWN)
