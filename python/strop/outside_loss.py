"""Training on a loss that Python computes, step by step."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from strop import _strop
from strop.arrays import Array
from strop.data import TARGET, Samples, Targets, is_dataset, is_path, named_arrays
from strop.errors import DataError, UsageError
from strop.history import Epoch, Step
from strop.listener import HEARD
from strop.model import Model
from strop.options import pairs_of
from strop.run import Run

# loss(outputs, targets) gives the mean loss and its gradient by the outputs: for an array, the only
# output, an array of its shape; for arrays by name, arrays by name.
OutsideLoss: TypeAlias = Callable[[Any, Array], tuple[float, Any]]

# Options that the loop here heeds, with their defaults; the rest are of the engine's steps.
_OF_LOOP = {"epochs": 1, "batch_size": 32, "seed": 0, "no_shuffle": False, "drop_last": False}


def fit_outside(
    model: Model,
    loss: OutsideLoss,
    training: tuple[Samples, Targets],
    validation: tuple[Samples, Targets] | None,
    options: Mapping[str, object],
    run: Run,
) -> None:
    """Epochs over arrays, in an order that seed and epoch say. The model has the weights of the
    last step, however the run ends."""
    loop = _Loop(model, loss, _arrays_of(model, *training), options, run)
    measured = None if validation is None else _arrays_of(model, *validation)
    run.begin()
    try:
        for epoch in range(1, int(loop.said["epochs"]) + 1):
            loop.run_epoch(epoch, measured)
            if run.should_stop():
                break
    finally:
        loop.trainer.finish()
    run.history.steps = loop.steps
    run.history.was_stopped = run.should_stop()
    run.end()


def evaluate_outside(model: Model, loss: OutsideLoss, x: Samples, y: Targets) -> dict[str, float]:
    """The mean loss over the samples, and how many they are."""
    return _measured(model, loss, _arrays_of(model, x, y), _OF_LOOP["batch_size"])


class _Loop:
    """The epochs of one run."""

    def __init__(
        self,
        model: Model,
        loss: OutsideLoss,
        arrays: dict[str, Array],
        options: Mapping[str, object],
        run: Run,
    ) -> None:
        said = {name: options.get(name) for name in _OF_LOOP}
        self.said: dict[str, Any] = {
            name: _OF_LOOP[name] if value is None else value for name, value in said.items()
        }
        self._model, self._loss, self._arrays, self._run = model, loss, arrays, run
        self._count = len(arrays[TARGET])
        self._batch = self._count if self.said["batch_size"] == "full" else self.said["batch_size"]
        rest = {name: value for name, value in options.items() if name not in _OF_LOOP}
        self.trainer = _strop.LossTrainer.make(model._handle, pairs_of("train", rest), *HEARD)
        self.steps = 0
        rate: Any = options.get("learning_rate")
        self._rate = math.nan if rate is None else float(rate)

    def run_epoch(self, epoch: int, validation: dict[str, Array] | None) -> None:
        start, total, seen = time.monotonic(), 0.0, 0
        batches = list(self._batches(epoch))
        for number, indices in enumerate(batches, 1):
            loss, norm = self._take_step({k: v[indices] for k, v in self._arrays.items()})
            self.steps += 1
            total, seen = total + loss * len(indices), seen + len(indices)
            if self._run.hears_steps:
                self._run.on_step(
                    Step(
                        step=self.steps,
                        epoch=epoch,
                        step_of_epoch=number,
                        steps_per_epoch=len(batches),
                        sample_count=len(indices),
                        loss=loss,
                        learning_rate=self._rate,
                        gradient_norm=norm,
                    )
                )
            if self._run.should_stop():
                break
        measured = math.nan
        if validation is not None and not self._run.should_stop():
            self.trainer.finish()  # the model has the weights of now; steps go on
            measured = _measured(self._model, self._loss, validation, self._batch)["loss"]
        best = min((e.validation_loss for e in self._run.history.epochs), default=math.inf)
        self._run.on_epoch(
            Epoch(
                epoch=epoch,
                step=self.steps,
                training_loss=total / seen if seen else math.nan,
                validation_loss=measured,
                metrics={},
                learning_rate=self._rate,
                seconds=time.monotonic() - start,
                is_best=measured < best,
            )
        )

    def _take_step(self, batch: dict[str, Array]) -> tuple[float, float]:
        targets = batch.pop(TARGET)
        outputs = self.trainer.forward(batch)
        loss, gradient = _loss_of(self._loss, outputs, targets)
        if not math.isfinite(loss):
            raise DataError(
                f"train: found the loss {loss} in step {self.steps + 1}, expected a finite one; a "
                "lower learning_rate may help"
            )
        named = gradient if isinstance(gradient, Mapping) else {next(iter(outputs)): gradient}
        return loss, self.trainer.step(
            {name: _like(name, array, outputs) for name, array in named.items()}
        )

    def _batches(self, epoch: int) -> Iterator[Array]:
        order = np.arange(self._count)
        if not self.said["no_shuffle"]:
            order = np.random.default_rng([self.said["seed"], epoch]).permutation(order)
        for start in range(0, self._count, self._batch):
            batch = order[start : start + self._batch]
            if len(batch) == self._batch or not self.said["drop_last"]:
                yield batch


def _measured(
    model: Model, loss: OutsideLoss, arrays: dict[str, Array], size: int
) -> dict[str, float]:
    total, count = 0.0, len(arrays[TARGET])
    for start in range(0, count, size):
        batch = {name: array[start : start + size] for name, array in arrays.items()}
        targets = batch.pop(TARGET)
        total += _loss_of(loss, model.run(batch), targets)[0] * len(targets)
    return {"loss": total / count, "samples": count}


def _loss_of(loss: OutsideLoss, outputs: dict[str, Array], targets: Array) -> tuple[float, Any]:
    shown = outputs if len(outputs) > 1 else next(iter(outputs.values()))
    value, gradient = loss(shown, targets)
    return float(value), gradient


def _like(name: str, gradient: Any, outputs: Mapping[str, Array]) -> Array:
    """A gradient in its output's type, which NumPy's arithmetic with float64 leaves easily."""
    output = outputs.get(name)
    array = np.asarray(gradient)
    return array if output is None else array.astype(output.dtype, copy=False)


def _arrays_of(model: Model, x: Samples, y: Targets) -> dict[str, Array]:
    if is_path(x) or is_dataset(x):
        raise UsageError("x: found a path or a dataset, expected arrays for a loss of your own")
    arrays = named_arrays([value.name for value in model.inputs], x, y)
    if TARGET not in arrays:
        raise UsageError("y: found none, expected targets for the loss")
    return arrays
