"""Classes."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted, column_or_1d

from strop.arrays import Array
from strop.option_types import ArchitectureOptions, EstimatorOptions
from strop.sklearn.estimator import StropEstimator, with_parameters
from strop.sklearn.networks import flat, last_activation
from strop.weights import balanced

_LOSSES = ("cross_entropy", "binary_cross_entropy")


class StropClassifier(ClassifierMixin, StropEstimator):  # type: ignore[misc]
    """A classifier. Without arguments a perceptron of two hidden layers.

    class_weight: a dict of labels and weights, or "balanced", for weights by which classes are as
        if they were equally frequent. loss: cross_entropy, or binary_cross_entropy for several
        labels and for two classes of one output.

    Fitted it has classes_ besides: labels, sorted, in the order of the columns.

        >>> from strop.sklearn import StropClassifier
        >>> classifier = StropClassifier(epochs=20, random_state=0).fit(x, y)
        >>> classifier.score(x, y) > 0.9, classifier.classes_
        (True, array([0, 1, 2]))
        >>> tuned = StropClassifier(model="model.onnx", epochs=5, options={"freeze": "hidden.0.*"})
        >>> tuned.fit(x, y).n_iter_
        5
    """

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
        class_weight: Any = None,
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
            epochs=epochs,
            batch_size=batch_size,
            validation_split=validation_split,
            early_stopping=early_stopping,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            processor=processor,
            options=options,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "StropClassifier":
        """Trains. y: labels [samples] of any kind, of two classes at least, or yes and no for each
        of several labels, [samples, labels] of 0 and 1. sample_weight: [samples], from 0 on.

        Raises ValueError for X and y that do not suit each other or the model, strop.DataError,
        one too, where training goes wrong.

            >>> from strop.sklearn import StropClassifier
            >>> names = np.array(["left", "middle", "right"])[y]
            >>> StropClassifier(epochs=1).fit(x, names).classes_.tolist()
            ['left', 'middle', 'right']
        """
        X, y = self._validated(X, y=y, multi_output=True)
        check_classification_targets(y)
        classes = self._classes_of(y)
        if self.warm_start and hasattr(self, "model_bytes_"):
            self._check_classes(classes)
        self._begin(y, classes)
        weights = self._weights(X, sample_weight)
        settings = self._loss_settings(y, weights)
        self._train(X, self._targets(y), self._output_count(), weights, **settings)
        self._activation = self._last_activation()
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> "StropClassifier":
        """One pass over X and y in their order, from the weights and the optimizer's state there
        are. classes: all labels that will be seen, needed the first time; for several labels
        range(labels). Raises ValueError without them, and for others later.

            >>> from strop.sklearn import StropClassifier
            >>> classifier = StropClassifier().partial_fit(x[:30], y[:30], classes=range(3))
            >>> classifier.partial_fit(x[30:], y[30:]).n_iter_
            2
        """
        is_first = not hasattr(self, "model_bytes_")
        X, y = self._validated(X, y=y, multi_output=True, reset=is_first)
        check_classification_targets(y)
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight: found 'balanced', of which partial_fit knows no counts")
        if is_first:
            if classes is None:
                raise ValueError("classes: found none, expected all at the first partial_fit")
            self._begin(y, unique_labels(classes))
        elif classes is not None:
            self._check_classes(unique_labels(classes))
        if not self._is_multilabel:
            unknown = np.setdiff1d(y, self.classes_)
            if len(unknown) > 0:
                raise ValueError(f"y: found {unknown}, expected of the classes {self.classes_}")
        weights = self._weights(X, sample_weight)
        targets, settings = self._targets(y), self._loss_settings(y, weights)
        self._train_further(X, targets, self._output_count(), weights, **settings)
        self._activation = self._last_activation()
        return self

    def predict(self, X: Any) -> Array:
        """The most probable label of each sample, [samples]; of several labels 0 and 1, those from
        a probability of one half on, [samples, labels].

            >>> from strop.sklearn import StropClassifier
            >>> StropClassifier(epochs=1).fit(x, y).predict(x[:5]).shape
            (5,)
        """
        scores = self._scores(X)
        if self._is_multilabel:
            return (scores > 0).astype(int)
        if scores.shape[1] == 1:
            labels: Array = self.classes_[(scores[:, 0] > 0).astype(int)]
            return labels
        labels = self.classes_[scores.argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> Array:
        """[samples, classes], rows of sum 1; of several labels each one's, [samples, labels].

        >>> from strop.sklearn import StropClassifier
        >>> probabilities = StropClassifier(epochs=1).fit(x, y).predict_proba(x[:5])
        >>> probabilities.shape, bool(np.allclose(probabilities.sum(axis=1), 1))
        ((5, 3), True)
        """
        scores = self._scores(X)
        if self._loss_name() == "cross_entropy":
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
            return probabilities
        yes: Array = np.exp(-np.logaddexp(0, -scores))
        no = np.exp(-np.logaddexp(0, scores))
        return yes if self._is_multilabel else np.hstack([no, yes])

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`, of its shape; of 0 minus infinity.

        >>> from strop.sklearn import StropClassifier
        >>> bool((StropClassifier(epochs=1).fit(x, y).predict_log_proba(x) <= 0).all())
        True
        """
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def decision_function(self, X: Any) -> Array:
        """The scores before softmax or sigmoid, [samples, classes] or [samples, labels]; of two
        classes the second one's over the first one's, [samples].

            >>> from strop.sklearn import StropClassifier
            >>> StropClassifier(epochs=1).fit(x, y).decision_function(x[:5]).shape
            (5, 3)
            >>> StropClassifier(epochs=1).fit(x, y > 0).decision_function(x[:5]).shape
            (5,)
        """
        scores = self._scores(X)
        if self._is_multilabel or len(self.classes_) > 2:
            return scores
        difference: Array = scores[:, 0] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]
        return difference

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _begin(self, y: Array, classes: Array) -> None:
        """Sets classes_ and what kind of labels they are."""
        is_multilabel = y.ndim == 2 and y.shape[1] > 1
        if len(classes) < 2:
            raise ValueError(f"y: found {len(classes)} class, expected at least two")
        if self._loss_name(is_multilabel) not in _LOSSES:
            raise ValueError(f"loss: found {self.loss!r}, expected one of {', '.join(_LOSSES)}")
        if is_multilabel and self._loss_name(True) != "binary_cross_entropy":
            raise ValueError(
                "loss: found cross_entropy, expected binary_cross_entropy: y is labels"
            )
        if not is_multilabel and self._loss_name(False) != _LOSSES[0] and len(classes) > 2:
            raise ValueError(
                f"loss: found {self.loss}, expected cross_entropy: there are {len(classes)} classes"
            )
        if is_multilabel and self.class_weight is not None:
            raise ValueError("class_weight: found one, expected none: y is several labels")
        self.classes_ = classes
        self._is_multilabel = is_multilabel

    def _classes_of(self, y: Array) -> Array:
        if y.ndim == 2 and y.shape[1] > 1:
            kind = type_of_target(y, input_name="y")
            if kind != "multilabel-indicator":
                raise ValueError(f"y: found {kind}, expected labels [samples] or of 0 and 1")
            return np.arange(y.shape[1])
        classes: Array = np.unique(column_or_1d(y, warn=True))
        return classes

    def _check_classes(self, classes: Array) -> None:
        if not np.array_equal(classes, self.classes_):
            raise ValueError(f"classes: found {classes}, expected {self.classes_} as before")

    def _loss_name(self, is_multilabel: bool | None = None) -> str:
        of_labels = self._is_multilabel if is_multilabel is None else is_multilabel
        return self.loss or _LOSSES[of_labels]

    def _output_count(self) -> int:
        is_one = self._loss_name() == "binary_cross_entropy" and not self._is_multilabel
        return 1 if is_one else len(self.classes_)

    def _targets(self, y: Array) -> Array:
        """Numbers of classes [samples]; of yes and no 0 and 1 [samples, outputs]."""
        if self._is_multilabel:
            return y.astype(np.float32)
        numbers: Array = np.searchsorted(self.classes_, column_or_1d(y)).astype(np.int64)
        if self._loss_name() == "cross_entropy":
            return numbers
        return numbers[:, None].astype(np.float32)

    def _loss_settings(self, y: Array, sample_weight: Array | None) -> dict[str, object]:
        settings: dict[str, object] = {"loss": self._loss_name()}
        if self.class_weight is not None:
            given, labels = self.class_weight, column_or_1d(y)
            if isinstance(given, str) and given == "balanced" and sample_weight is not None:
                given = balanced(labels, sample_weight)
            weights = compute_class_weight(given, classes=self.classes_, y=labels)
            if settings["loss"] == "cross_entropy":
                settings["class_weights"] = weights.tolist()
            else:
                settings["positive_weight"] = float(weights[1] / weights[0])
        return settings

    def _last_activation(self) -> str | None:
        """What the model's output is behind of; new networks end in scores."""
        return None if self.model is None else last_activation(self.model_bytes_)

    def _scores(self, X: Any) -> Array:
        """The numbers before softmax or sigmoid, [samples, outputs], in double."""
        check_is_fitted(self, "model_bytes_")
        scores = flat(self._output(self._validated_for_output(X))).astype(np.float64)
        tiny = np.finfo(np.float32).tiny
        if self._activation == "Softmax":
            scores = np.log(np.maximum(scores, tiny))
        elif self._activation == "Sigmoid":
            scores = np.log(np.maximum(scores, tiny)) - np.log(np.maximum(1 - scores, tiny))
        return scores


StropClassifier.__doc__ = with_parameters(StropClassifier)
