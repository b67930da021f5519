"""Samples that a processor makes a model's inputs of: columns of texts or sounds."""

from typing import Any

import numpy as np

from strop.arrays import Array
from strop.model import Model
from strop.processing import Processor, encoded, predict_raw, raw_columns


class RawSamples:
    """Columns of as many samples, which are counted and sliced like an array."""

    def __init__(self, columns: dict[str, Array]) -> None:
        self.columns = columns

    @classmethod
    def of(cls, X: Any, processor: Processor) -> "RawSamples":
        """X as columns. Raises ValueError where there is nothing for the processor in it."""
        columns = raw_columns(X)
        for name, column in columns.items():
            if column.ndim == 2 and column.shape[1] == 1:
                columns[name] = column[:, 0]
        if not columns or not processor.takes(columns):
            kind = type(processor).__name__
            raise ValueError(f"X: found nothing that {kind} takes, expected a column of it")
        return cls(columns)

    @property
    def shape(self) -> tuple[int, int]:
        return len(next(iter(self.columns.values()))), len(self.columns)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: Any) -> "RawSamples":
        return RawSamples({name: column[places] for name, column in self.columns.items()})

    def encoded(self, model: Model) -> dict[str, Array]:
        """Arrays by the names of the model's inputs."""
        return encoded(model, self.columns)

    def output_of(self, model: Model, batch_size: int) -> Array:
        """The model's first output for each sample."""
        outputs = predict_raw(model, self.columns, batch_size)
        return outputs[model.outputs[0].name] if isinstance(outputs, dict) else outputs


def checked_labels(y: Any, count: int) -> Array:
    """y, [count, …]. Raises ValueError for another number of them."""
    labels = np.asarray(y)
    if labels.ndim == 0 or len(labels) != count:
        raise ValueError(f"y: found {list(labels.shape)}, expected one for each of {count} samples")
    return labels
