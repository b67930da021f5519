"""What the estimators share: their parameters, the model that they train, and how it is kept."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from strop.arrays import Array
from strop.callbacks import LambdaCallback
from strop.history import History
from strop.loading import load
from strop.model import Model
from strop.option_types import ArchitectureOptions, EstimatorOptions
from strop.sklearn.networks import new_network
from strop.sklearn.raw import RawSamples, checked_labels
from strop.sklearn.settings import check_options, model_settings, trainer_settings
from strop.trainer import Trainer

# Of a model that was trained, options of loading that are done.
_OF_THE_START = ("replace_head", "head_at")
# What steps on batches of the caller's know nothing of.
_OF_RUNS = ("validation_split", "early_stopping", "min_delta", "no_restore_best", "export")
# Options of loading that inference has, too.
_OF_INFERENCE = ("threads", "precision", "disable_pass")


class StropEstimator(BaseEstimator):  # type: ignore[misc]
    """An ONNX model that scikit-learn trains; the base of the estimators.

    Parameters, of which nothing is looked at before `fit`:

    model: path, bytes or onnx.ModelProto of a model with one input. None: a new network.
    architecture: the new network's, as `strop new --list` has them. Its input is as wide as X.
    depth, width, activation, dropout: sizes of the new network, where the architecture has them;
        None: the architecture's own. architecture_options: a dict of any others of `strop new`.
    loss: what is minimized; None: what the estimator is for.
    optimizer, learning_rate: as of `strop train`; None: the optimizer's own rate.
    epochs: passes over the data of a fit. batch_size: samples a step, or "full".
    validation_split: share of the samples to validate with. early_stopping: epochs without a better
        validation loss after which fit ends, with the best weights; needs validation_split.
    random_state: of new weights, of the order of samples and of the split; an integer gives the
        same bits every time.
    warm_start: fit goes on from the weights there are; the optimizer begins anew.
    verbose: print a line for each epoch.
    processor: what makes the model's inputs of X where that is no array of numbers: a
        strop.text.Tokenizer of a column of texts, or of two, strop.audio.Waveforms of sounds.
    options: a dict of any others of `strop train`, with underscores: {"weight_decay": 0.01,
        "schedule": "cosine", "freeze": "features.*", "replace_head": 3}.

    Fitted, all have

    model_bytes_: the trained model, an ONNX file in memory. model_: the same as a strop.Model.
    n_features_in_, feature_names_in_: of X, the names where it had some.
    n_iter_: epochs that were trained. loss_curve_: the training loss of each.
    validation_loss_curve_: the validation loss of each; None without validation_split.

    X is dense, [samples, features], and where a model takes more dimensions [samples, …]; rows of
    a table are made samples of the model's shape if that is fixed. sample_weight [samples] of fit,
    partial_fit and score: how often each sample counts in losses, metrics and scores.
    """

    loss_curve_: list[float]

    def __init__(
        self,
        *,
        model: Any = None,
        architecture: str = "mlp",
        depth: int | None = None,
        width: Any = None,
        activation: str | None = None,
        dropout: float | None = None,
        architecture_options: ArchitectureOptions | None = None,
        loss: str | None = None,
        optimizer: str = "adamw",
        learning_rate: float | None = None,
        epochs: int = 100,
        batch_size: int | str = 32,
        validation_split: float | None = None,
        early_stopping: int | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        processor: Any = None,
        options: EstimatorOptions | None = None,
    ) -> None:
        self.model = model
        self.architecture = architecture
        self.depth = depth
        self.width = width
        self.activation = activation
        self.dropout = dropout
        self.architecture_options = architecture_options
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_split = validation_split
        self.early_stopping = early_stopping
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.processor = processor
        self.options = options

    @property
    def model_(self) -> Model:
        """The trained model, of its own: what is done to it is not done to the estimator.

        >>> from strop.sklearn import StropClassifier
        >>> StropClassifier(epochs=1).fit(x, y).model_.outputs[0].shape
        (None, 3)
        """
        check_is_fitted(self, "model_bytes_")
        return self._loaded_from(self.model_bytes_)

    def _validated(self, X: Any, **arguments: Any) -> Any:
        """X, or (X, y) with y among the arguments, as scikit-learn checks them."""
        if self.processor is None:
            return validate_data(self, X, allow_nd=True, **arguments)
        raw = RawSamples.of(X, self.processor)
        if arguments.get("reset", True):
            self.n_features_in_ = raw.shape[1]
        if "y" not in arguments:
            return raw
        return raw, checked_labels(arguments["y"], len(raw))

    def _weights(self, X: Array, sample_weight: Any) -> Array | None:
        """As many numbers as X has samples, from 0 on and not all 0; none where none are given."""
        if sample_weight is None:
            return None
        weights: Array = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weights.any():
            raise ValueError("sample_weight: found zeros only, expected a non-zero number")
        return weights

    def _train(
        self,
        X: Array,
        targets: Array,
        outputs: int,
        weights: Array | None = None,
        **settings: object,
    ) -> None:
        """A run on X, validated, targets [samples, …] and weights [samples]; `outputs` is the width
        of a new network's output, settings are of the loss and go before the estimator's
        options."""
        seed = self._seed()
        is_warm = self.warm_start and hasattr(self, "model_bytes_")
        model = self._continued(seed) if is_warm else self._fresh(X, outputs, seed)
        samples, targets = samples_of(model, X), targets_of(model, targets, outputs)
        callbacks = [LambdaCallback(on_epoch_end=_print_epoch)] if self.verbose else []
        trainer = self._trainer(model, seed, settings, callbacks)
        history = trainer.fit(samples, targets, sample_weight=weights)
        self._keep(model)
        self._note_losses(history)

    def _train_further(
        self,
        X: Array,
        targets: Array,
        outputs: int,
        weights: Array | None = None,
        **settings: object,
    ) -> None:
        """A pass over X and targets in their order, which goes on where the last one ended, its
        optimizer's state too. Batches that weigh nothing are left out. Nothing is validated."""
        seed = self._seed()
        is_first = not hasattr(self, "model_bytes_")
        model = self._fresh(X, outputs, seed) if is_first else self._continued(seed)
        targets = targets_of(model, targets, outputs)
        trainer = self._trainer(model, seed, settings, (), without=_OF_RUNS)
        size = len(X) if self.batch_size == "full" else int(self.batch_size)
        parts = [slice(start, start + size) for start in range(0, len(X), size)]
        batches = [
            (X[part], targets[part], None if weights is None else weights[part])
            for part in parts
            if weights is None or weights[part].any()
        ]
        if not is_first and self._optimizer_state is not None:
            state = {"state": self._optimizer_state}
            x, y, w = batches[0]
            trainer.load_state_dict(state, samples_of(model, x), y, sample_weight=w)
        steps = [trainer.step(samples_of(model, x), y, sample_weight=w) for x, y, w in batches]
        state_of_optimizer = trainer.state_dict()["state"]
        trainer.finish()
        self._keep(model, state_of_optimizer)
        sums = [len(x) if w is None else w.sum() for x, _, w in batches]
        loss = float(np.average([step.loss for step in steps], weights=sums))
        if is_first:
            self._note_losses(History())
        self.n_iter_ += 1
        self.loss_curve_ = [*self.loss_curve_, loss]

    def _output(self, X: Array) -> Array:
        """The model's first output for X, validated: [samples, …], or [samples] as it has it."""
        if isinstance(X, RawSamples):
            return X.output_of(self._loaded, len(X) if self.batch_size == "full" else 32)
        outputs = self._loaded.run(samples_of(self._loaded, X))
        return outputs[self._loaded.outputs[0].name]

    def _validated_for_output(self, X: Any) -> Array:
        check_is_fitted(self, "model_bytes_")
        samples: Array = self._validated(X, reset=False)
        return samples

    def _epochs(self) -> int:
        return self.epochs

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _fresh(self, X: Array, outputs: int, seed: int) -> Model:
        check_options(self.options)
        content = self.model
        if content is None and self.processor is not None:
            raise ValueError("model: found none, expected the one that the processor is of")
        if content is None:
            sizes = {
                "depth": self.depth,
                "width": self.width,
                "activation": self.activation,
                "dropout": self.dropout,
                **(self.architecture_options or {}),
            }
            content = new_network(self.architecture, X.shape[1:], outputs, seed, sizes)
        return self._loaded_from(content, seed=seed, **model_settings(self.options))

    def _continued(self, seed: int) -> Model:
        check_options(self.options)
        settings = model_settings(self.options)
        kept = {name: value for name, value in settings.items() if name not in _OF_THE_START}
        return self._loaded_from(self.model_bytes_, seed=seed, **kept)

    def _loaded_from(self, content: Any, **settings: Any) -> Model:
        model = load(content, **settings)
        model.processor = self.processor
        return model

    def _trainer(
        self,
        model: Model,
        seed: int,
        settings: Mapping[str, object],
        callbacks: "list[LambdaCallback] | tuple[()]",
        without: tuple[str, ...] = (),
    ) -> Trainer:
        given: dict[str, Any] = {
            "optimizer": self.optimizer,
            "learning_rate": self.learning_rate,
            "epochs": self._epochs(),
            "batch_size": self.batch_size,
            "validation_split": self.validation_split,
            "early_stopping": self.early_stopping,
            "seed": seed,
            "pad_to_multiple_of": self._multiple(model),
            **settings,
            **trainer_settings(self.options),
        }
        kept = {name: value for name, value in given.items() if name not in without}
        return Trainer(model, callbacks=callbacks, **kept)

    def _multiple(self, model: Model) -> int | None:
        """What batches of raw samples are cut to a multiple of."""
        is_open = any(None in (value.shape or ())[1:] for value in model.inputs)
        return self.processor.multiple if self.processor is not None and is_open else None

    def _note_losses(self, history: History) -> None:
        """Of a run that began with the fit; an empty one for none."""
        self.n_iter_ = len(history.epochs)
        self.loss_curve_ = [epoch.training_loss for epoch in history.epochs]
        is_validated = self.validation_split is not None
        validation = [epoch.validation_loss for epoch in history.epochs]
        self.validation_loss_curve_ = validation if is_validated else None

    def _keep(self, model: Model, state_of_optimizer: bytes | None = None) -> None:
        """The trained model, and what the next partial_fit goes on from."""
        self.model_bytes_ = model.to_bytes()
        self._optimizer_state = state_of_optimizer
        self._load()

    def _load(self) -> None:
        """The model that is run, from the bytes: what is pickled gives the same numbers."""
        settings = model_settings(self.options)
        kept = {name: settings[name] for name in _OF_INFERENCE if name in settings}
        self._loaded = self._loaded_from(self._run_bytes(), **kept)

    def _run_bytes(self) -> bytes:
        """The model whose first output is what the estimator gives."""
        return self.model_bytes_

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_loaded", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_bytes_" in state:
            self._load()


def with_parameters(kind: type[StropEstimator]) -> str:
    """An estimator's description, and what all of them have behind it."""
    return f"{inspect.getdoc(kind)}\n\n{inspect.getdoc(StropEstimator)}\n"


def samples_of(model: Model, X: Any) -> Any:
    """X as the model's only input takes it; what is raw, as all inputs do, by name.

    Raises ValueError for a model of several inputs, and where X has another shape or numbers that
    the input's type lacks.
    """
    if isinstance(X, RawSamples):
        return X.encoded(model)
    if len(model.inputs) != 1:
        names = ", ".join(value.name for value in model.inputs)
        raise ValueError(f"model: found inputs {names}, expected one; strop.Trainer takes several")
    [value] = model.inputs
    if value.shape is not None:
        sizes = value.shape[1:]
        fixed = [size for size in sizes if size is not None]
        if X.ndim == 2 and len(sizes) > 1 and [*fixed] == [*sizes]:
            if int(np.prod(fixed)) == X.shape[1]:
                X = X.reshape(len(X), *fixed)
        found = X.shape[1:]
        if len(sizes) != len(found) or any(
            size not in (None, other) for size, other in zip(sizes, found, strict=True)
        ):
            expected = ", ".join("?" if size is None else str(size) for size in sizes)
            raise ValueError(
                f"X: found samples of [{', '.join(map(str, found))}], expected [{expected}], "
                "the model's"
            )
    with np.errstate(over="ignore", invalid="ignore"):
        samples = np.ascontiguousarray(X, dtype=value.type)
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise ValueError(f"X: found numbers too large for {value.type}, expected them in its range")
    if samples.dtype.kind in "iu" and not np.array_equal(samples, X):
        raise ValueError(f"X: found numbers that are no {value.type}, which the model takes")
    return samples


def targets_of(model: Model, targets: Array, outputs: int) -> Array:
    """Targets as the model's first output has them, or numbers of classes as they are. Raises
    ValueError where the model does not give `outputs` numbers for each sample."""
    shape = model.outputs[0].shape
    fixed = [size for size in shape[1:] if size is not None] if shape is not None else []
    if shape is None or len(fixed) < len(shape) - 1:
        return np.ascontiguousarray(targets)
    count = int(np.prod(fixed))
    if count != outputs:
        raise ValueError(
            f"model: found {count} outputs, expected {outputs} for these targets; "
            f"options={{'replace_head': {outputs}}} gives it a new last layer"
        )
    if targets.dtype.kind == "f":
        targets = targets.reshape(len(targets), *fixed)
    return np.ascontiguousarray(targets)


def _print_epoch(epoch: int, logs: dict[str, float]) -> None:
    print(f"epoch {epoch}: " + ", ".join(f"{name} {value:.6g}" for name, value in logs.items()))
