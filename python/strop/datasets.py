"""Datasets, whose samples are read as they are needed, and PyTorch's loaders of them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from strop import _strop
from strop.arrays import Array, array_of, is_frame
from strop.data import TARGET, by_name, is_path
from strop.errors import UsageError

# Reads the samples of these indices: arrays [len(indices), …] by name.
ReadBatch = Callable[[Sequence[int]], dict[str, Array]]


def is_dataset(x: object) -> bool:
    """Whether samples come one by one: it can be asked for its length and for a sample."""
    if isinstance(x, (Mapping, list, tuple)) or is_path(x):
        return False
    if hasattr(x, "features") and hasattr(x, "set_format"):  # Hugging Face's, which are tables, too
        return True
    if is_frame(x) or any(hasattr(x, name) for name in ("dtype", "to_numpy", "__array__")):
        return False
    return hasattr(x, "__len__") and hasattr(x, "__getitem__")


def is_loader(x: object) -> bool:
    """Whether it is a `torch.utils.data.DataLoader`."""
    return all(hasattr(x, name) for name in ("dataset", "collate_fn", "batch_sampler"))


def dataset_data(inputs: Sequence[str], dataset: Any) -> _strop.Data:
    """Data of a dataset: its samples are (x, y), a mapping of names, or x alone."""

    def read(indices: Sequence[int]) -> dict[str, Array]:
        samples = [_named_sample(inputs, sample) for sample in _samples_of(dataset, indices)]
        return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}

    return reader_data(len(dataset), read)


def loader_data(inputs: Sequence[str], loader: Any) -> tuple[_strop.Data, dict[str, object]]:
    """Data of a loader's dataset, put together by its collate_fn, and the options that the loader
    stands for. The engine chooses the order, by its seed: UsageError for samplers that choose."""
    options: dict[str, object] = {}
    sampler = type(loader.sampler).__name__
    if sampler == "SequentialSampler":
        options["no_shuffle"] = True
    elif sampler != "RandomSampler" or getattr(loader.sampler, "replacement", False):
        raise UsageError(
            f"DataLoader: found a {sampler}, which chooses samples itself, expected shuffle=True "
            "or False; give its batches to Trainer.step"
        )
    if loader.batch_size is None:
        raise UsageError("DataLoader: found no batch_size, expected one")
    options["batch_size"] = loader.batch_size
    if loader.drop_last:
        options["drop_last"] = True
    if loader.num_workers:
        logging.getLogger("strop").info(
            "DataLoader: num_workers=%d: samples are read on the thread that trains",
            loader.num_workers,
        )

    def read(indices: Sequence[int]) -> dict[str, Array]:
        batch = loader.collate_fn(_samples_of(loader.dataset, indices))
        return named_batch(inputs, batch)

    return reader_data(len(loader.dataset), read), options


def reader_data(sample_count: int, read: ReadBatch) -> _strop.Data:
    """Data that `read` reads, whose fields are those of its first sample."""
    if sample_count == 0:
        raise UsageError("x: found a dataset of no samples, expected some")
    first = read([0])
    fields = [(name, str(array.dtype), array.shape[1:]) for name, array in first.items()]
    names = list(first)

    def read_in_order(indices: list[int]) -> list[Array]:
        batch = read(indices)
        return [batch[name] for name in names]

    return _strop.Data.reader(sample_count, fields, read_in_order)


def named_batch(inputs: Sequence[str], batch: Any) -> dict[str, Array]:
    """A batch (x, y), of arrays by name, or x alone, as arrays [samples, …] by name."""
    if isinstance(batch, Mapping):
        return {str(name): array_of(value) for name, value in batch.items()}
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        x, y = batch
        named = x if isinstance(x, Mapping) else by_name(inputs, x)
        arrays = {str(name): array_of(value) for name, value in named.items()}
        return {**arrays, TARGET: array_of(y)}
    return by_name(inputs, batch)


def _samples_of(dataset: Any, indices: Sequence[int]) -> list[Any]:
    get_all = getattr(dataset, "__getitems__", None)  # at once, as torch's loader asks for them
    if get_all is not None:
        return list(get_all([int(index) for index in indices]))
    return [dataset[index] for index in indices]


def _named_sample(inputs: Sequence[str], sample: Any) -> dict[str, Array]:
    if isinstance(sample, Mapping):
        return {str(name): _one(value) for name, value in sample.items()}
    if isinstance(sample, (tuple, list)) and len(sample) == 2:
        x, y = sample
        named = x if isinstance(x, Mapping) else by_name(inputs, x)
        return {**{str(name): _one(value) for name, value in named.items()}, TARGET: _one(y)}
    return {name: _one(value) for name, value in by_name(inputs, sample).items()}


def _one(value: Any) -> Array:
    """A value of a sample; Python's own numbers are what most models take."""
    if isinstance(value, float):
        return np.asarray(value, np.float32)
    return array_of(value)
