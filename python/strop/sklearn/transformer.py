"""Embeddings."""

from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from strop.arrays import Array
from strop.history import History
from strop.loading import load
from strop.option_types import ArchitectureOptions, EstimatorOptions
from strop.sklearn.estimator import StropEstimator, samples_of, with_parameters
from strop.sklearn.networks import cut_at, flat


class StropTransformer(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    StropEstimator,
):
    """Gives a tensor of a model: embeddings.

    output: name of the tensor; None: the model's first output, and of a new autoencoder its
        innermost layer. model, epochs: a model that is given stays as it is unless epochs are
        given; with them, and a new network, by default with 100, it learns to give back X.
        loss: mse by default.

    Without arguments an autoencoder of widths 128, 64 and 32, whose innermost 32 numbers it gives.

        >>> from strop.sklearn import StropTransformer
        >>> StropTransformer(model="model.onnx").fit_transform(x).shape
        (60, 3)
        >>> StropTransformer(width=[8, 2], epochs=5).fit_transform(x).shape
        (60, 2)
    """

    def __init__(
        self,
        *,
        model: Any = None,
        architecture: str = "autoencoder",
        depth: int | None = None,
        width: Any = None,
        activation: str | None = None,
        dropout: float | None = None,
        architecture_options: ArchitectureOptions | None = None,
        output: str | None = None,
        loss: str | None = None,
        optimizer: str = "adamw",
        learning_rate: float | None = None,
        epochs: int | None = None,
        batch_size: int | str = 32,
        validation_split: float | None = None,
        early_stopping: int | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        processor: Any = None,
        options: EstimatorOptions | None = None,
    ) -> None:
        super().__init__(
            model=model,
            architecture=architecture,
            depth=depth,
            width=width,
            activation=activation,
            dropout=dropout,
            architecture_options=architecture_options,
            loss=loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            epochs=epochs,  # type: ignore[arg-type]
            batch_size=batch_size,
            validation_split=validation_split,
            early_stopping=early_stopping,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            processor=processor,
            options=options,
        )
        self.output = output

    def fit(self, X: Any, y: Any = None) -> "StropTransformer":
        """Trains the model to give back X, unless epochs are 0. y is not looked at.

        Raises ValueError for X that does not suit the model, for a tensor that there is not, and
        where none is named that a new network other than an autoencoder could give.

            >>> from strop.sklearn import StropTransformer
            >>> StropTransformer(epochs=2, random_state=0).fit(x).n_iter_
            2
        """
        X = self._validated(X)
        if self.model is None and self.architecture != "autoencoder" and self.output is None:
            raise ValueError("output: found none, expected the name of a tensor of the network")
        if self._epochs() > 0:
            self._train(X, *self._targets(X), loss=self.loss or "mse")
        else:
            seed = self._seed()
            model = self._fresh(X, self._targets(X)[1], seed)
            samples_of(model, X)
            self._keep(model)
            self._note_losses(History())
        self._n_features_out = flat(self._output(X[:1])).shape[1]
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "StropTransformer":
        """One pass over X in its order, from the weights and the optimizer's state there are. y is
        not looked at.

            >>> from strop.sklearn import StropTransformer
            >>> StropTransformer().partial_fit(x[:30]).partial_fit(x[30:]).n_iter_
            2
        """
        X = self._validated(X, reset=not hasattr(self, "model_bytes_"))
        self._train_further(X, *self._targets(X), loss=self.loss or "mse")
        self._n_features_out = flat(self._output(X[:1])).shape[1]
        return self

    def transform(self, X: Any) -> Array:
        """The tensor for each sample, [samples, numbers], as the model computes it.

        >>> from strop.sklearn import StropTransformer
        >>> StropTransformer(model="model.onnx").fit(x).transform(x[:5]).shape
        (5, 3)
        """
        return flat(self._output(self._validated_for_output(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _targets(self, X: Array) -> tuple[Array, int]:
        """What the model is to give, and how many numbers for a sample."""
        if self.processor is not None:
            if self._epochs() > 0:
                raise ValueError("epochs: found some, expected 0: texts and sounds are no targets")
            return np.empty(0), 0
        return X.astype(np.float32), int(np.prod(X.shape[1:]))

    def _epochs(self) -> int:
        if self.epochs is not None:
            return int(self.epochs)
        return 100 if self.model is None else 0

    def _run_bytes(self) -> bytes:
        output = self.output
        if output is None and self.model is None:
            output = self._code_name()
        outputs = [value.name for value in load(self.model_bytes_).outputs]
        if output is None or output == outputs[0]:
            return self.model_bytes_
        return cut_at(self.model_bytes_, output)

    def _code_name(self) -> str:
        """The innermost tensor of an autoencoder that `strop new` made."""
        names = [parameter.name for parameter in self.model_.parameters]
        weights = [name for name in names if name.startswith("encoder.") and "weight" in name]
        return weights[-1].removesuffix(".weight")


StropTransformer.__doc__ = with_parameters(StropTransformer)
