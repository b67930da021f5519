"""What a run gives."""

import math
from dataclasses import dataclass, field
from typing import Any

from strop.plots import count_by_ones, new_axes, text_color

_MARKED_EPOCHS = 30  # up to so many have a dot each


@dataclass(frozen=True)
class Step:
    """A step of a run, numbers from 1.

    >>> trainer = strop.Trainer(strop.load("model.onnx"))
    >>> step = trainer.step(x, y)
    >>> step.step, step.sample_count, step.learning_rate
    (1, 60, 0.001)
    """

    step: int
    epoch: int
    step_of_epoch: int
    steps_per_epoch: int
    sample_count: int
    loss: float  # NaN where no label counts
    learning_rate: float  # NaN where the optimizer's default is that of a loss of your own
    gradient_norm: float  # before clipping; NaN where it is not measured


@dataclass(frozen=True)
class Epoch:
    """An epoch of a run, numbers from 1; of losses, the mean over the samples.

    >>> history = strop.Trainer(strop.load("model.onnx"), epochs=2, batch_size=20).fit(x, y)
    >>> [(epoch.epoch, epoch.step) for epoch in history.epochs]
    [(1, 3), (2, 6)]
    """

    epoch: int
    step: int
    training_loss: float  # mean over the samples, each as the weights were at its step
    validation_loss: float  # NaN without validation data
    metrics: dict[str, float]  # of the validation data
    learning_rate: float  # of the last step
    seconds: float
    is_best: bool  # by validation loss, so far

    def logs(self) -> dict[str, float]:
        """The numbers by Keras' names: loss, val_loss, val_METRIC, learning_rate.

        >>> history = strop.Trainer(strop.load("model.onnx")).fit(x, y)
        >>> list(history.epochs[0].logs())
        ['loss', 'learning_rate']
        """
        logs = {"loss": self.training_loss}
        if not math.isnan(self.validation_loss):
            logs["val_loss"] = self.validation_loss
        logs |= {f"val_{name}": value for name, value in self.metrics.items()}
        return logs | {"learning_rate": self.learning_rate}


@dataclass
class History:
    """The epochs of a run, and how it ended.

    >>> trainer = strop.Trainer(strop.load("model.onnx"), epochs=3, learning_rate=0.01)
    >>> history = trainer.fit(x, y, validation_data=(x, y))
    >>> history.steps, history.best_epoch, history.stopped_early
    (6, 3, False)
    """

    epochs: list[Epoch] = field(default_factory=list)
    steps: int = 0
    best_epoch: int | None = None  # by validation loss
    weights_epoch: int | None = None  # after which the weights were so; None: averages
    stopped_early: bool = False  # by early stopping
    was_stopped: bool = False  # by a callback

    @property
    def history(self) -> dict[str, list[float]]:
        """Lists by Keras' names, a number for each epoch.

        >>> history = strop.Trainer(strop.load("model.onnx"), epochs=3).fit(x, y)
        >>> {name: len(numbers) for name, numbers in history.history.items()}
        {'loss': 3, 'learning_rate': 3}
        """
        lists: dict[str, list[float]] = {}
        for epoch in self.epochs:
            for name, value in epoch.logs().items():
                lists.setdefault(name, []).append(value)
        return lists

    def plot(self, ax: Any = None) -> Any:
        """Draws the losses by epoch with matplotlib: of training and validation, the gap between
        them, the best epoch. On `ax`, or on axes of a new figure, where metrics have axes of their
        own below (`….figure.axes`). Gives the axes of the losses. Needs the package `matplotlib`.

            >>> history = strop.Trainer(strop.load("model.onnx"), epochs=3).fit(x, y)
            >>> history.plot().get_ylabel()
            'loss'
        """
        lists = self.history
        metrics = [name for name in lists if name.startswith("val_") and name != "val_loss"]
        below = None
        if ax is None:
            ax, *rest = new_axes(2 if metrics else 1)
            below = rest[0] if rest else None
        epochs = [epoch.epoch for epoch in self.epochs]
        style = {"marker": "." if len(epochs) <= _MARKED_EPOCHS else ""}
        ax.plot(epochs, lists.get("loss", []), label="training", **style)
        if "val_loss" in lists:
            ax.plot(epochs, lists["val_loss"], label="validation", **style)
            between = (epochs, lists["loss"], lists["val_loss"])
            ax.fill_between(*between, color="C1", alpha=0.12, linewidth=0, label="gap")
        ax.set_ylabel("loss")
        if below is not None:
            for name in metrics:
                below.plot(epochs, lists[name], label=name.removeprefix("val_"), **style)
            below.set_ylabel("validation metrics")
        for drawn in (ax, below):
            if drawn is not None:
                self._mark_best(drawn)
                drawn.grid(alpha=0.3)
                drawn.legend()
        lowest = ax if below is None else below
        lowest.set_xlabel("epoch")
        count_by_ones(lowest.xaxis)
        return ax

    def _mark_best(self, ax: Any) -> None:
        if self.best_epoch is not None:
            label = f"best epoch: {self.best_epoch}"
            ax.axvline(self.best_epoch, color=text_color(), linestyle=":", alpha=0.7, label=label)
