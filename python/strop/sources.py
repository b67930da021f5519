"""What is trained on or measured with, from whatever people have: as data of the library."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from strop import _strop
from strop.data import Samples, Targets, is_path, named_arrays
from strop.datasets import dataset_data, is_dataset, is_loader, loader_data
from strop.errors import UsageError
from strop.file_rows import mapped_rows, rows_data
from strop.streams import is_lazy_frame, is_parquet, is_stream, spooled
from strop.weights import Weights, named_weights


class Source(NamedTuple):
    """Data in hand, or None where `options` say where they lie; and the options that x stands for:
    those of a path, or of a DataLoader."""

    data: _strop.Data | None
    options: Mapping[str, object]


def source_of(
    inputs: Sequence[str], x: Samples, y: Targets = None, weights: Weights | None = None
) -> Source:
    """Arrays are read where they lie, those in mapped files and datasets as samples are needed,
    streams once, into a temporary file."""
    if is_path(x) and not is_parquet(x):
        return Source(None, {**_options_of_path(x, y), **named_weights(weights, "a path")})
    if is_loader(x):
        _refuse_targets(y, "a DataLoader")
        named_weights(weights, "a DataLoader")
        return Source(*loader_data(inputs, x))
    if is_dataset(x):
        _refuse_targets(y, "a dataset")
        named_weights(weights, "a dataset")
        return Source(dataset_data(inputs, x), {})
    if is_parquet(x) or is_lazy_frame(x) or is_stream(x):
        named_weights(weights, "a stream")
        return Source(rows_data(spooled(inputs, x, y, weights)), {})
    arrays = named_arrays(inputs, x, y, weights)
    in_files = {name: mapped_rows(array) for name, array in arrays.items()}
    if any(in_files.values()):
        _check_lengths(arrays)
        return Source(rows_data({name: in_files[name] or arrays[name] for name in arrays}), {})
    return Source(_strop.Data.arrays(arrays), {})


def _options_of_path(x: Any, y: Targets) -> dict[str, object]:
    if y is None:
        return {"data": x}
    if isinstance(y, str):
        return {"data": x, "target": y}
    raise UsageError("y: found targets beside a path, expected the name of what it has them under")


def _refuse_targets(y: Targets, kind: str) -> None:
    if y is not None:
        raise UsageError(f"y: found targets beside {kind}, expected them in its samples")


def _check_lengths(arrays: Mapping[str, Any]) -> None:
    counts = {name: len(array) if array.ndim else None for name, array in arrays.items()}
    if len(set(counts.values())) == 1 and None not in counts.values():
        return
    found = ", ".join(f"{name} {count}" for name, count in counts.items())
    raise UsageError(f"x: found arrays of several lengths ({found}), expected one")
