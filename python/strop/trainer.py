"""Training."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, Unpack

from strop import _strop
from strop.arrays import Array
from strop.callbacks import Callback
from strop.data import Samples, Targets, named_arrays, pair_of
from strop.errors import UsageError
from strop.history import Epoch, History, Step
from strop.host_loss import HostLoss, engine_loss
from strop.listener import HEARD
from strop.model import Model
from strop.option_rows import trainer_options
from strop.option_types import TrainerOptions
from strop.options import pairs_of, rows_of, take_options
from strop.processing import Processor, numbers_of, predict_raw, processor_for, raw_columns
from strop.run import Run, with_callbacks
from strop.sources import source_of
from strop.weights import (
    ClassWeights,
    SampleWeights,
    Weights,
    class_weights,
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


class Trainer:
    """Trains a model.

    `loss` is the name of one of the engine's, or a function of yours: loss(outputs, targets) gives
    (mean loss, gradient by the outputs); strop.losses has those of torch, JAX and ONNX. `processor`
    becomes the model's: a strop.text.Tokenizer or strop.audio.Waveforms, by which texts and sounds
    are samples. `class_weight` is as of `fit`. Each `fit` is a run of its own, which goes on from
    the model's weights. Raises TypeError for an option that there is not, and strop.UsageError, a
    ValueError, for a value that none has.

        >>> model = strop.load("model.onnx", seed=1)
        >>> trainer = strop.Trainer(model, optimizer="sgd", learning_rate=0.1, epochs=5)
        >>> history = trainer.fit(x, y)
        >>> history.steps
        10
    """

    def __init__(
        self,
        model: Model,
        *,
        loss: "str | HostLoss | None" = None,
        callbacks: Sequence[Callback] = (),
        processor: Processor | None = None,
        class_weight: ClassWeights = None,
        **options: Unpack[TrainerOptions],
    ) -> None:
        self.model = model
        if processor is not None:
            model.processor = processor
        self.stop_training = False  # True ends the run after this step or epoch
        self.history = History()  # of the last run
        self._callbacks = list(callbacks)
        self._loss = engine_loss(loss) if callable(loss) else None
        named = {} if callable(loss) else {"loss": loss}
        self._options: dict[str, object] = {**named, **options}
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
        (x, y), or a DataLoader of one; the path of a Parquet file, or of anything that `strop train
        --data` takes; an iterable of batches (x, y). y: [samples, …], or the name of a table's
        column. Arrays are read where they lie; what comes in batches is written to a temporary file
        first.
        sample_weight: [samples], numbers from 0 on, or the name of a table's column, of an array in
        x or in a path's data: losses and metrics count each sample as often as it weighs.
        class_weight: {class: weight}, 1 for classes that it lacks, or "balanced", by how seldom
        each is in y; for cross-entropy.
        validation_data: (x, y), (x, y, sample_weight), or x alone. epochs, batch_size: instead of
        the trainer's. Ctrl-C ends the run after the step, whose weights the model has, and raises
        KeyboardInterrupt. Raises strop.DataError for data that do not suit the model, and where
        numbers go bad; the model has the weights of the last good epoch then.

            >>> trainer = strop.Trainer(strop.load("model.onnx"), learning_rate=0.01)
            >>> history = trainer.fit(x, y, validation_data=(x, y), epochs=2, batch_size=20)
            >>> history.steps, history.best_epoch
            (6, 2)
        """
        if self._open is not None:
            self.finish()
        heard = [*self._callbacks, *callbacks]
        given = {"epochs": epochs, "batch_size": batch_size}
        given = {name: value for name, value in given.items() if value is not None}
        weights = weights_of(sample_weight, self._options)
        options = {**self._options, **given, **option_of(weights)}
        rest, of_validation = validation_parts(validation_data, weights)
        x, y, rest = self._numbers(x, y, rest, options)
        of_classes = self._class_weight if class_weight is None else class_weight
        self._balanced = class_weights(of_classes, self.model, self._options, y, weights)
        options = with_callbacks({**options, **self._balanced}, heard)
        training = self._training_data(x, y, weights, options)
        validation = self._validation_data(rest, of_validation, options)
        trainer = self._make(training, validation, self._pairs(options))
        run = Run(self, heard, options)
        self.history = run.history
        with run:
            result = trainer.fit(
                on_step=(lambda step: run.on_step(Step(**step))) if run.hears_steps else None,
                on_epoch=lambda epoch: run.on_epoch(Epoch(**epoch)),
                should_stop=run.should_stop,
            )
            run.end(result)
        return run.history

    def evaluate(
        self, x: Samples = None, y: Targets = None, *, sample_weight: SampleWeights = None
    ) -> dict[str, float]:
        """Loss, metrics of the trainer's option `metric`, and "samples", the number of them.

        x, y and sample_weight are as of `fit`, and weights of classes those of the last. Between
        `step` and `finish` with the weights of the steps.

            >>> trainer = strop.Trainer(strop.load("model.onnx"), metric=["accuracy", "f1_macro"])
            >>> list(trainer.evaluate(x, y))
            ['loss', 'samples', 'accuracy', 'f1_macro']
        """
        options = dict(self._options)
        x, y, _ = self._numbers(x, y, None, options)
        options = {k: v for k, v in options.items() if k not in _OF_RUNS}
        weights = weights_of(sample_weight, self._options)
        options |= option_of(weights)
        measured, of_data = source_of(self._inputs, x, y, weights)
        if measured is None:
            if self._open is not None:
                raise UsageError("x: found a path between steps, expected arrays")
            options |= {**of_data, "validation_data": of_data["data"]}
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

        x: as of `fit`, but no path; targets are passed over. Samples are what training makes of
        them: pictures of bytes scaled, resized, mean and std taken off; `batch_size` of them at a
        time, by default the trainer's. Raises strop.UsageError for a path, strop.DataError for
        samples that the model does not take.

            >>> strop.Trainer(strop.load("model.onnx")).predict(x, batch_size=20).shape
            (60, 3)
        """
        raw = raw_columns(x)
        if processor_for(self.model, raw) is not None:
            return predict_raw(self.model, raw, batch_size)
        data = source_of(self._inputs, x).data
        if data is None:
            raise UsageError(
                "predict: found a path, expected samples in hand; strop.perform('predict', …) "
                "reads files"
            )
        options = {k: v for k, v in self._options.items() if k not in (*_OF_RUNS, "batch_size")}
        of_trainer: Any = self._options.get("batch_size")
        size = batch_size or (0 if of_trainer in (None, "full") else int(of_trainer))
        outputs = self._make(None, None, self._pairs(options)).predict(data, size)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def step(self, x: Samples, y: Targets = None, *, sample_weight: SampleWeights = None) -> Step:
        """One step on a batch, [samples, …]. The model has the weights after `finish`. All steps
        have sample_weight, or none.

            >>> trainer = strop.Trainer(strop.load("model.onnx"))
            >>> losses = [trainer.step(x[i : i + 20], y[i : i + 20]).loss for i in (0, 20, 40)]
            >>> trainer.finish()
        """
        x, y, _ = self._numbers(x, y, None, self._options)
        weights = weights_of(sample_weight, self._options)
        self._check_steps(weights)
        if self._open is None:
            self._open = self._make_for_steps(weights)
            self._open_weights = weights
        elif weights is None and self._open_weights is not None:
            raise UsageError("sample_weight: found in some steps, expected in all or in none")
        return Step(**self._open.step(named_arrays(self._inputs, x, y, weights)))

    def finish(self) -> None:
        """The end of steps: the model has their weights. Raises strop.UsageError without any.

        >>> trainer = strop.Trainer(strop.load("model.onnx"))
        >>> trainer.step(x, y).step
        1
        >>> trainer.finish()
        """
        trainer, self._open = self._open, None
        if trainer is None:
            raise UsageError("finish: found no steps, expected some before")
        trainer.finish()

    def state_dict(self) -> dict[str, bytes]:
        """All that steps go on from, between `step` and `finish`: weights, the optimizer's state,
        counters. Raises strop.UsageError at other times.

            >>> trainer = strop.Trainer(strop.load("model.onnx"))
            >>> step = trainer.step(x, y)
            >>> list(trainer.state_dict())
            ['state']
        """
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
        its shapes.

            >>> first = strop.Trainer(strop.load("model.onnx"))
            >>> step = first.step(x, y)
            >>> second = strop.Trainer(strop.load("model.onnx"))
            >>> second.load_state_dict(first.state_dict(), x, y)
            >>> second.step(x, y).loss == first.step(x, y).loss
            True
        """
        x, y, _ = self._numbers(x, y, None, self._options)
        weights = weights_of(sample_weight, self._options)
        batch = source_of(self._inputs, x, y, weights).data
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

    def _numbers(
        self, x: Samples, y: Targets, validation_data: ValidationData, options: dict[str, object]
    ) -> tuple[Samples, Targets, ValidationData]:
        """Texts, sounds and labels that are texts as numbers, see numbers_of."""
        x, y = numbers_of(self.model, x, y, options)
        if validation_data is not None:
            validation_data = numbers_of(self.model, *pair_of(validation_data), options)
        return x, y, validation_data

    def _training_data(
        self, x: Samples, y: Targets, weights: Weights | None, options: dict[str, object]
    ) -> _strop.Data | None:
        """Data in hand; what else x stands for is added to the options."""
        if x is None:
            return None
        training, of_data = source_of(self._inputs, x, y, weights)
        for name, value in of_data.items():
            if options.get(name) not in (None, value):
                raise UsageError(
                    f"{name}: found {options[name]!r}, expected {value!r} as x has it; leave one "
                    "of them out"
                )
            options[name] = value
        return training

    def _validation_data(
        self, given: ValidationData, weights: Weights | None, options: dict[str, object]
    ) -> _strop.Data | None:
        if given is None:
            return None
        validation, of_data = source_of(self._inputs, *pair_of(given), weights)
        if validation is None:
            options["validation_data"] = of_data["data"]
            if of_data.get("target", options.get("target")) != options.get("target"):
                raise UsageError(
                    f"validation_data: found the target {of_data['target']!r}, expected that of x"
                )
        return validation


Trainer.__init__.__doc__ = Trainer.__doc__
take_options(Trainer.__init__, trainer_options(rows_of("train").values()))
Trainer.__doc__ = Trainer.__init__.__doc__
