"""Training."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from strop import _strop
from strop.arrays import Array
from strop.callbacks import Callback
from strop.data import Samples, Targets, data_of, is_path, named_arrays, pair_of
from strop.errors import UsageError
from strop.history import Epoch, History, Step
from strop.host_loss import HostLoss, engine_loss
from strop.listener import HEARD
from strop.model import Model
from strop.options import pairs_of, take_options, trainer_options
from strop.run import Run, with_callbacks
from strop.weights import (
    ClassWeights,
    SampleWeights,
    Weights,
    class_weights,
    named_weights,
    option_of,
    validation_parts,
    weights_of,
)

# (x, y), (x, y, sample_weight), or x alone: a path, a dataset, arrays with "target".
ValidationData: TypeAlias = Any

# What a measurement has nothing to do with.
_OF_RUNS = (
    *("output", "data", "validation_data", "validation_split", "run_directory", "resume"),
    *("checkpoint_every", "keep", "lora_export", "write_class_names", "early_stopping"),
    *("min_delta", "export", "no_restore_best", "schedule", "factor", "patience", "threshold"),
    *("cooldown", "minimum_learning_rate"),
)
# What is done to samples before the model sees them, and by `predict` not.
_OF_SAMPLES = ("mean", "std", "resize", "pad", "layout")


class Trainer:
    """Trains a model.

    `loss` is the name of one of the engine's, or a function of yours: loss(outputs, targets) gives
    (mean loss, gradient by the outputs); strop.losses has those of torch, JAX and ONNX. Each `fit`
    is a run of its own, which goes on from the model's weights. `class_weight` is as of `fit`.
    Raises TypeError for an option that there is not, and strop.UsageError, a ValueError, for a
    value that none has.
    """

    def __init__(
        self,
        model: Model,
        *,
        loss: "str | HostLoss | None" = None,
        callbacks: Sequence[Callback] = (),
        class_weight: ClassWeights = None,
        **options: object,
    ) -> None:
        self.model = model
        self.stop_training = False  # True ends the run after this step or epoch
        self.history = History()  # of the last run
        self._callbacks = list(callbacks)
        self._loss = engine_loss(loss) if callable(loss) else None
        self._options = options if callable(loss) else {"loss": loss, **options}
        self._class_weight = class_weight
        self._balanced: dict[str, object] = {}  # what "balanced" came to in the last run
        self._open: _strop.Trainer | None = None
        self._open_weights: Weights | None = None
        self._pairs(self._options)
        if self._options.get("data") is None:
            self._make_for_steps()  # refuses now what it would refuse later

    def fit(
        self,
        x: Samples = None,
        y: Targets = None,
        *,
        sample_weight: SampleWeights = None,
        class_weight: ClassWeights = None,
        validation_data: ValidationData = None,
        epochs: int | None = None,
        batch_size: int | str | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> History:
        """A run to its end; the model has its weights then.

        x: an array [samples, …]; arrays by the names of the inputs; a table of pandas, Polars or
        Arrow, whose columns are inputs by name, or together the only one; a dataset of samples
        (x, y); the path of anything that `strop train --data` takes. y: [samples, …], or the name
        of a table's column. Arrays are read where they lie.
        sample_weight: [samples], numbers from 0 on, or the name of a table's column, of an array in
        x or in a path's data: losses and metrics count each sample as often as it weighs.
        class_weight: {class: weight}, 1 for classes that it lacks, or "balanced", by how seldom
        each is in y; for cross-entropy.
        validation_data: (x, y) or (x, y, sample_weight), or a path, a dataset. epochs, batch_size:
        instead of the trainer's. Ctrl-C ends the run after the step, whose weights the model has,
        and raises KeyboardInterrupt.
        """
        if self._open is not None:
            self.finish()
        heard = [*self._callbacks, *callbacks]
        given = {"epochs": epochs, "batch_size": batch_size}
        given = {name: value for name, value in given.items() if value is not None}
        weights = weights_of(sample_weight, self._options)
        of_classes = self._class_weight if class_weight is None else class_weight
        self._balanced = class_weights(of_classes, self.model, self._options, y, weights)
        weighing = {**option_of(weights), **self._balanced}
        options = with_callbacks({**self._options, **given, **weighing}, heard)
        run = Run(self, heard)
        self.history = run.history
        training, validation = self._data(x, y, weights, validation_data, options)
        trainer = self._make(training, validation, self._pairs(options))
        run.begin()
        result = trainer.fit(
            on_step=(lambda step: run.on_step(Step(**step))) if run.hears_steps else None,
            on_epoch=lambda epoch: run.on_epoch(Epoch(**epoch)),
            should_stop=run.should_stop,
        )
        history = run.history
        history.steps = result["steps"]
        history.best_epoch = result["best_epoch"] or None
        history.weights_epoch = result["weights_epoch"] or None
        history.stopped_early = result["stopped_early"]
        history.was_stopped = result["was_stopped"]
        run.end()
        return history

    def evaluate(
        self, x: Samples = None, y: Targets = None, *, sample_weight: SampleWeights = None
    ) -> dict[str, float]:
        """Loss, metrics of the trainer's option `metric`, and "samples", the number of them.

        x, y and sample_weight are as of `fit`, and weights of classes those of the last. Between
        `step` and `finish` with the weights of the steps.
        """
        options = {k: v for k, v in self._options.items() if k not in _OF_RUNS}
        weights = weights_of(sample_weight, self._options)
        options |= option_of(weights)
        if is_path(x):
            if self._open is not None:
                raise UsageError("x: found a path between steps, expected arrays")
            options |= {"data": x, "validation_data": x, **named_weights(weights, "a path")}
            measured = None
        else:
            measured = data_of(self._inputs, x, y, weights)
        if self._open is None:
            options |= self._balanced or class_weights(
                self._class_weight, self.model, self._options, y, weights
            )
        else:
            self._check_steps(weights)
            found: dict[str, float] = json.loads(self._open.evaluate(measured))
            return found
        trainer = self._make(measured, measured, self._pairs(options))
        found = json.loads(trainer.evaluate())
        return found

    def predict(self, x: Samples, batch_size: int | None = None) -> Array | dict[str, Array]:
        """The model's output for x, or its outputs by name where it has several.

        x is an array, arrays by the names of inputs, or a table; it goes into the model as it is.
        """
        given = [name for name in _OF_SAMPLES if self._options.get(name) is not None]
        arrays = named_arrays(self._inputs, x)
        if any(array.dtype == np.uint8 and array.ndim > 3 for array in arrays.values()):
            given.append("pixels of bytes")
        if given:
            raise UsageError(
                f"predict: found {given[0]}, by which training changes samples, expected none; "
                "give Model.run what the model has to see"
            )
        count = len(next(iter(arrays.values())))
        size = batch_size or max(count, 1)
        batches = [
            self.model.run({name: array[start : start + size] for name, array in arrays.items()})
            for start in range(0, max(count, 1), size)
        ]
        outputs = {
            name: np.concatenate([batch[name] for batch in batches]) if batches[1:] else output
            for name, output in batches[0].items()
        }
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def step(self, x: Samples, y: Targets = None, *, sample_weight: SampleWeights = None) -> Step:
        """One step on a batch. The model has the weights after `finish`. All steps have
        sample_weight, or none."""
        weights = weights_of(sample_weight, self._options)
        self._check_steps(weights)
        if self._open is None:
            self._open = self._make_for_steps(weights)
            self._open_weights = weights
        elif weights is None and self._open_weights is not None:
            raise UsageError("sample_weight: found in some steps, expected in all or in none")
        return Step(**self._open.step(named_arrays(self._inputs, x, y, weights)))

    def finish(self) -> None:
        """The end of steps: the model has their weights."""
        trainer, self._open = self._open, None
        if trainer is None:
            raise UsageError("finish: found no steps, expected some before")
        trainer.finish()

    def state_dict(self) -> dict[str, bytes]:
        """All that steps go on from, between `step` and `finish`."""
        if self._open is None:
            raise UsageError("state_dict: found no steps, expected some before")
        return {"state": self._open.state()}

    def load_state_dict(
        self,
        state: Mapping[str, bytes],
        x: Samples,
        y: Targets = None,
        *,
        sample_weight: SampleWeights = None,
    ) -> None:
        """Goes on from a state of a trainer of the same model and options: the next steps have the
        bits that they would have had. x, y, sample_weight: any batch, from which the trainer knows
        its shapes."""
        weights = weights_of(sample_weight, self._options)
        batch = data_of(self._inputs, x, y, weights)
        options = {**self._options, "batch_size": "full", **self._of_steps(weights)}
        self._open = self._make(batch, None, self._pairs(options))
        self._open_weights = weights
        self._open.set_state(state["state"])

    @property
    def _inputs(self) -> list[str]:
        return [value.name for value in self.model.inputs]

    def _pairs(self, options: Mapping[str, object]) -> list[tuple[str, str | None]]:
        return pairs_of("train", options)

    def _make_for_steps(self, weights: Weights | None = None) -> _strop.Trainer:
        """Without data; a batch is what a step is given."""
        options = {**self._options, "batch_size": None, **self._of_steps(weights)}
        return self._make(None, None, self._pairs(options))

    def _of_steps(self, weights: Weights | None) -> dict[str, object]:
        """Options of weights, as far as steps know them: no classes are counted."""
        given = None if isinstance(self._class_weight, str) else self._class_weight
        of_classes = class_weights(given, self.model, self._options, None, None)
        return {**option_of(weights), **of_classes}

    def _check_steps(self, weights: Weights | None) -> None:
        """Raises UsageError for weights that steps have not, or could not have."""
        if isinstance(self._class_weight, str):
            raise UsageError(
                f"class_weight: found {self._class_weight!r} for single steps, expected a dict"
            )
        if self._open is None or weights is None:
            return
        if option_of(weights) != option_of(self._open_weights):
            raise UsageError("sample_weight: found in some steps, expected in all or in none")

    def _make(
        self,
        training: _strop.Data | None,
        validation: _strop.Data | None,
        pairs: list[tuple[str, str | None]],
    ) -> _strop.Trainer:
        return _strop.Trainer.make(
            self.model._handle, training, validation, pairs, *HEARD, self._loss
        )

    def _data(
        self,
        x: Samples,
        y: Targets,
        weights: Weights | None,
        validation_data: ValidationData,
        options: dict[str, object],
    ) -> tuple[_strop.Data | None, _strop.Data | None]:
        """Data of arrays and datasets; paths become options."""
        training = validation = None
        if is_path(x):
            options |= {"data": x, **named_weights(weights, "a path")}
        elif x is not None:
            training = data_of(self._inputs, x, y, weights)
        if is_path(validation_data):
            options["validation_data"] = validation_data
        elif validation_data is not None:
            rest, of_validation = validation_parts(validation_data, weights)
            validation = data_of(self._inputs, *pair_of(rest), of_validation)
        return training, validation


Trainer.__init__.__doc__ = Trainer.__doc__
take_options(Trainer.__init__, trainer_options())
Trainer.__doc__ = Trainer.__init__.__doc__
