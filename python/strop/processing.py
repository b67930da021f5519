"""Raw samples as a model's numbers: what tokenizers and readers of sounds have in common, and
labels that are texts."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from strop.arrays import Array, array_of, columns_of, is_frame
from strop.data import TARGET, Samples, Targets, is_path, named_arrays, without_target
from strop.datasets import is_dataset, is_loader
from strop.errors import UsageError
from strop.streams import is_lazy_frame, is_stream

if TYPE_CHECKING:
    from strop.interface import Value
    from strop.model import Model

# The array that says how long samples are, by the engine's name.
LENGTH = "length"
# What samples are called that come as one column without a name.
LONE = "x"


class Processor(ABC):
    """Makes a model's inputs of raw samples."""

    # What it is kept as, beside a model.
    filename: str
    # What batches are as long as a multiple of, where nothing else is said.
    multiple: int

    @abstractmethod
    def takes(self, columns: Mapping[str, Array]) -> bool:
        """Whether there is something raw for it among the columns."""

    @abstractmethod
    def encode(self, inputs: "Sequence[Value]", columns: Mapping[str, Array]) -> dict[str, Array]:
        """Arrays [samples, …] by the names of inputs, padded to the longest sample, and LENGTH.
        Raises UsageError for columns and inputs that it has no use for."""

    @abstractmethod
    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file."""


def is_text(column: Array) -> bool:
    """Whether a column holds texts, of which some may be missing."""
    if column.dtype.kind in "UT":
        return True
    if column.dtype.kind != "O" or column.ndim != 1:
        return False
    return any(isinstance(value, str) for value in column) and all(
        isinstance(value, str) or is_missing(value) for value in column
    )


def is_missing(value: object) -> bool:
    """None, NaN, pandas.NA."""
    return value is None or type(value).__name__ == "NAType" or value != value


def is_mask(name: str) -> bool:
    """Whether an input of that name says where samples are and where padding is."""
    return name.lower().split(":")[0].endswith("mask")


def raw_columns(x: Samples) -> dict[str, Array]:
    """Columns that may be raw, by name; a lone one is LONE. Empty for a mapping of inputs, and for
    what is not in hand."""
    if not _is_in_hand(x) or isinstance(x, Mapping):
        return {}
    if is_frame(x):
        return columns_of(x)
    if isinstance(x, list) and _are_all(x, np.ndarray):
        return {LONE: _ragged(x)}
    if isinstance(x, (list, tuple)) and not _are_all(x, (str, type(None))):
        return {}
    return {LONE: array_of(x)}


def _is_in_hand(x: Samples) -> bool:
    """Whether it is arrays or a table, not a path, a dataset or a stream."""
    if x is None or is_path(x) or is_loader(x) or is_dataset(x):
        return False
    return not is_lazy_frame(x) and not is_stream(x)


def _are_all(x: Sequence[object], kinds: Any) -> bool:
    return bool(x) and all(isinstance(value, kinds) for value in x)


def _ragged(x: Sequence[Array]) -> Array:
    column = np.empty(len(x), object)
    column[:] = [*x]
    return column


def numbers_of(
    model: "Model", x: Samples, y: Targets, options: dict[str, object]
) -> tuple[Samples, Targets]:
    """x and y as they are where they are numbers; raw samples as arrays by the names of inputs,
    labels as numbers of classes. Options get what follows: the classes, how batches are cut."""
    if not _is_in_hand(x):
        return x, y
    columns = raw_columns(x)
    if isinstance(y, str) and columns:
        columns, labels = without_target(columns, y)
    else:
        labels = None if y is None or isinstance(y, str) else y
    processor = processor_for(model, columns)
    is_named = labels is not None and is_text(array_of(labels))
    if processor is None:
        if not is_named:
            return x, y
        arrays = named_arrays([value.name for value in model.inputs], x, y)
        labels = arrays.pop(TARGET)
    else:
        arrays = encoded(model, columns)
        if LENGTH in arrays:
            options.setdefault("pad_to_multiple_of", processor.multiple)
    if labels is None:
        return arrays, None
    targets = array_of(labels)
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    return arrays, _numbered(model, targets, options) if is_named else targets


def processor_for(model: "Model", columns: Mapping[str, Array]) -> Processor | None:
    """What makes a model's inputs of columns that are raw, from beside its file where it has none;
    None where they are numbers."""
    named = [columns[value.name] for value in model.inputs if value.name in columns]
    if len(named) == len(model.inputs) and all(column.dtype.kind in "biuf" for column in named):
        return None
    has_texts = any(is_text(column) for column in columns.values())
    is_raw = has_texts or any(column.dtype == object for column in columns.values())
    if model.processor is None and is_raw:
        model.processor = _processor_beside(model)
    if model.processor is not None and model.processor.takes(columns):
        return model.processor
    if has_texts and list(columns) == [LONE]:
        raise UsageError(
            "x: found texts, expected numbers, or a tokenizer.json beside the model; else give "
            "processor=strop.text.Tokenizer(…) with it"
        )
    return None


def _processor_beside(model: "Model") -> Processor | None:
    if model.path is None:
        return None
    tokenizer = path_beside(model.path, "tokenizer.json")
    if tokenizer is not None:
        from strop.text import Tokenizer

        return Tokenizer(tokenizer)
    waveforms = path_beside(model.path, "preprocessor_config.json")
    if waveforms is not None:
        from strop.audio import Waveforms

        return Waveforms.read(waveforms)
    return None


def run_columns(model: "Model", columns: Mapping[str, Array]) -> dict[str, Array]:
    """`Model.run` on columns of texts or sounds by name."""
    processor = processor_for(model, columns)
    assert processor is not None
    arrays = processor.encode(model.inputs, columns)
    return model._handle.run({value.name: arrays[value.name] for value in model.inputs})


def encoded(model: "Model", columns: Mapping[str, Array]) -> dict[str, Array]:
    """Raw columns as arrays by the names of inputs, and LENGTH where samples may have several."""
    processor = processor_for(model, columns)
    assert processor is not None
    arrays = processor.encode(model.inputs, columns)
    if not any(None in (value.shape or ())[1:] for value in model.inputs):
        del arrays[LENGTH]
    return arrays


def _numbered(model: "Model", labels: Array, options: dict[str, object]) -> Array:
    """The places of labels among the classes: those of the options, of the model, or their own."""
    missing = [row for row, label in enumerate(labels) if not isinstance(label, str)]
    if missing:
        raise UsageError(f"y, row {missing[0]}: found {labels[missing[0]]}, expected a label")
    given = options.get("class_names")
    names = list(given) if isinstance(given, (list, tuple)) else list(model.class_names)
    names = names or sorted(set(labels.tolist()))
    places = {name: place for place, name in enumerate(names)}
    unknown = sorted(set(labels.tolist()) - set(places))
    if unknown:
        raise UsageError(f"y: found label {unknown[0]!r}, expected one of {', '.join(names)}")
    options["class_names"] = _listed(names)
    return np.array([places[label] for label in labels], np.int64)


def _listed(names: Sequence[str]) -> list[str]:
    with_comma = [name for name in names if "," in name]
    if with_comma:
        raise UsageError(f"y: found a label {with_comma[0]!r}, expected names without commas")
    if len(names) == 1:
        raise UsageError(f"y: found {names[0]!r} alone, expected at least two classes")
    return list(names)


def path_beside(model_path: str | os.PathLike[str], filename: str) -> str | None:
    """The file of that name that belongs to a model: the one that has the model's name in front, or
    the folder's."""
    for path in _paths_beside(model_path, filename):
        if os.path.exists(path):
            return path
    return None


def save_beside(processor: Processor, model_path: str | os.PathLike[str]) -> str:
    """Writes it as the file that `path_beside` finds: the folder's, or where that is another's, one
    with the model's name in front."""
    own, shared = _paths_beside(model_path, processor.filename)
    temporary = f"{own}.{os.getpid()}"
    try:
        processor.save(temporary)
        is_others = os.path.exists(shared) and not _are_equal(temporary, shared)
        path = own if is_others or os.path.exists(own) else shared
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    return path


def _paths_beside(model_path: str | os.PathLike[str], filename: str) -> tuple[str, str]:
    folder, name = os.path.split(os.fspath(model_path))
    stem = os.path.splitext(name)[0]
    return os.path.join(folder, f"{stem}.{filename}"), os.path.join(folder, filename)


def _are_equal(path: str, other: str) -> bool:
    with open(path, "rb") as file, open(other, "rb") as other_file:
        return file.read() == other_file.read()


def padded_length(
    inputs: "Sequence[Value]", axis: int, longest: int, multiple: int, most: int | None = None
) -> int:
    """How long arrays have to be: the model's length where it takes one only, else the longest's,
    rounded up to a multiple where that is not above `most`."""
    for value in inputs:
        if value.shape is not None and axis < len(value.shape):
            fixed = value.shape[axis]
            if fixed is not None:
                return fixed
    rounded = -(-max(longest, 1) // multiple) * multiple
    return max(longest, 1) if most is not None and most < rounded else rounded


def filled(rows: Sequence[Any], length: int, fill: object, dtype: str) -> Array:
    """Rows of different lengths as one array [rows, length]."""
    array = np.full((len(rows), length), fill, dtype)
    for place, row in zip(array, rows, strict=True):
        place[: len(row)] = row
    return array


def predict_raw(
    model: "Model", columns: Mapping[str, Array], batch_size: int | None
) -> Array | dict[str, Array]:
    """The model's output for raw samples, or its outputs by name where it has several. Batches are
    of samples of like size, each padded to its longest."""
    processor = processor_for(model, columns)
    assert processor is not None
    first = next(iter(columns.values()))
    order = np.argsort([len(value) if hasattr(value, "__len__") else 0 for value in first])
    size = batch_size or 32
    outputs: dict[str, list[Array]] = {}
    for start in range(0, max(len(first), 1), size):
        places = order[start : start + size]
        batch = {name: column[places] for name, column in columns.items()}
        for name, output in run_columns(model, batch).items():
            outputs.setdefault(name, []).append(output)
    back = np.argsort(order)
    whole = {name: _joined(name, parts)[back] for name, parts in outputs.items()}
    return next(iter(whole.values())) if len(whole) == 1 else whole


def _joined(name: str, parts: Sequence[Array]) -> Array:
    if len({part.shape[1:] for part in parts}) > 1:
        raise UsageError(
            f"predict: found an output {name!r} as long as each batch, expected one of one size; "
            "give batch_size=len(x)"
        )
    return np.concatenate(parts)
