"""What a run gives."""

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """A step of a run, numbers from 1."""

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
    """An epoch of a run, numbers from 1."""

    epoch: int
    step: int
    training_loss: float  # mean over the samples, each as the weights were at its step
    validation_loss: float  # NaN without validation data
    metrics: dict[str, float]  # of the validation data
    learning_rate: float  # of the last step
    seconds: float
    is_best: bool  # by validation loss, so far

    def logs(self) -> dict[str, float]:
        """The numbers by Keras' names: loss, val_loss, val_METRIC, learning_rate."""
        logs = {"loss": self.training_loss}
        if not math.isnan(self.validation_loss):
            logs["val_loss"] = self.validation_loss
        logs |= {f"val_{name}": value for name, value in self.metrics.items()}
        return logs | {"learning_rate": self.learning_rate}


@dataclass
class History:
    """The epochs of a run, and how it ended."""

    epochs: list[Epoch] = field(default_factory=list)
    steps: int = 0
    best_epoch: int | None = None  # by validation loss
    weights_epoch: int | None = None  # after which the weights were so; None: averages
    stopped_early: bool = False  # by early stopping
    was_stopped: bool = False  # by a callback

    @property
    def history(self) -> dict[str, list[float]]:
        """Lists by Keras' names, a number for each epoch."""
        lists: dict[str, list[float]] = {}
        for epoch in self.epochs:
            for name, value in epoch.logs().items():
                lists.setdefault(name, []).append(value)
        return lists

    def plot(self, axes: Any = None) -> Any:
        """Draws the losses by epoch with matplotlib, on `axes` or on new ones, and gives these."""
        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.figure().subplots()
        numbers = [epoch.epoch for epoch in self.epochs]
        for name, label in (("loss", "training"), ("val_loss", "validation")):
            if name in self.history:
                axes.plot(numbers, self.history[name], label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.legend()
        return axes
