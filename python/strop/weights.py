"""Weights of samples and of classes, as Keras and scikit-learn call them, for the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from strop.arrays import Array, array_of, is_frame
from strop.errors import UsageError

if TYPE_CHECKING:
    from strop.model import Model

# An array [samples] of numbers from 0 on, or the name of a column, of an array beside the inputs,
# of a field of samples.
SampleWeights: TypeAlias = Any
# {class: weight}, in which classes that are missing weigh 1, or "balanced".
ClassWeights: TypeAlias = Any

_NAME = "sample_weight"
_IGNORED = -100


@dataclass(frozen=True)
class Weights:
    """Where the weights of samples are."""

    name: str  # as the engine's option has it
    array: Array | None = None  # None: among the samples

    def beside(self, columns: dict[str, Array]) -> dict[str, Array]:
        """The array by its name; out of `columns`, a table's, where it is one of them."""
        if self.array is not None:
            return {self.name: self.array}
        return {self.name: columns.pop(self.name)} if self.name in columns else {}


def weights_of(sample_weight: SampleWeights, options: Mapping[str, object]) -> Weights | None:
    """What a call is given, or the options of a trainer say."""
    named = options.get(_NAME)
    if sample_weight is None:
        return None if named is None else Weights(str(named))
    if isinstance(sample_weight, str):
        return Weights(sample_weight)
    array = array_of(sample_weight)
    if is_frame(sample_weight) and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return Weights(_NAME if named is None else str(named), array)


def named_weights(weights: Weights | None, where: str) -> dict[str, object]:
    """The option, for samples that are read elsewhere. Raises UsageError for an array."""
    if weights is not None and weights.array is not None:
        raise UsageError(
            f"sample_weight: found an array beside {where}, expected the name of its weights"
        )
    return option_of(weights)


def option_of(weights: Weights | None) -> dict[str, object]:
    return {} if weights is None else {_NAME: weights.name}


def validation_parts(validation_data: Any, weights: Weights | None) -> tuple[Any, Weights | None]:
    """(x, y) or x, and the weights of (x, y, sample_weight) under the name of the training's."""
    if weights is None or not isinstance(validation_data, tuple) or len(validation_data) != 3:
        return validation_data, None if weights is None else Weights(weights.name)
    x, y, of_validation = validation_data
    array = None if of_validation is None else array_of(of_validation)
    return (x, y), Weights(weights.name, array)


def class_weights(
    class_weight: ClassWeights,
    model: "Model",
    options: Mapping[str, object],
    y: object,
    weights: Weights | None,
) -> dict[str, object]:
    """The engine's option for {class: weight} or "balanced"; y are numbers of classes, which only
    the second looks at. Raises UsageError where it has no meaning."""
    if class_weight is None:
        return {}
    if options.get("loss") not in (None, "cross_entropy"):
        raise UsageError(
            f"class_weight: found loss {options['loss']!r}, expected cross_entropy; "
            "sample_weight weighs the samples of any"
        )
    if options.get("class_weights") is not None:
        raise UsageError("class_weight: found class_weights besides, expected one of them")
    count = _class_count(model, options)
    if isinstance(class_weight, str):
        of_classes = _balanced(class_weight, y, options.get("ignore_index"), weights)
    else:
        of_classes = {int(number): float(weight) for number, weight in class_weight.items()}
    most = max(of_classes, default=-1) + 1
    if min(of_classes, default=0) < 0 or most > (count or most):
        raise UsageError(
            f"class_weight: found classes {min(of_classes)} to {most - 1}, expected numbers from 0 "
            f"to {'…' if count is None else count - 1}"
        )
    return {"class_weights": [of_classes.get(number, 1.0) for number in range(count or most)]}


def balanced(labels: Array, sample_weight: Array | None = None) -> dict[Any, float]:
    """scikit-learn's: by each label samples / (labels · how often it comes), a sample coming as
    often as it weighs."""
    found, places = np.unique(labels, return_inverse=True)
    counts = np.bincount(places.ravel(), weights=sample_weight)
    with np.errstate(divide="ignore"):
        of_labels = np.where(counts > 0, counts.sum() / ((counts > 0).sum() * counts), 1.0)
    return dict(zip(found.tolist(), of_labels.tolist(), strict=True))


def _balanced(
    class_weight: str, y: object, ignored: object, weights: Weights | None
) -> dict[int, float]:
    if class_weight != "balanced":
        raise UsageError(f"class_weight: found {class_weight!r}, expected a dict or 'balanced'")
    labels = None if y is None or isinstance(y, str) else array_of(y)
    if labels is None or labels.dtype.kind not in "biuf" or (labels != np.floor(labels)).any():
        raise UsageError(
            "class_weight: found 'balanced' without an array of class numbers as y, expected one "
            "to count them in"
        )
    array = None if weights is None else weights.array
    if weights is not None and array is None:
        raise UsageError(
            "class_weight: found 'balanced' beside weights by name, expected them as an array"
        )
    counted = labels != (_IGNORED if ignored is None else ignored)
    of_labels = None
    if array is not None:
        per_sample = array.reshape(len(labels), *[1] * (labels.ndim - 1))
        of_labels = np.broadcast_to(per_sample, labels.shape)[counted]
    return {int(label): weight for label, weight in balanced(labels[counted], of_labels).items()}


def _class_count(model: "Model", options: Mapping[str, object]) -> int | None:
    """How many classes the output that is trained has; None where the file leaves it open."""
    name = options.get("train_output")
    axis = options.get("class_axis")
    for value in model.outputs:
        if name in (None, value.name):
            number = 1 if axis is None else int(str(axis))
            is_known = value.shape is not None and len(value.shape) > number
            return value.shape[number] if value.shape is not None and is_known else None
    return None
