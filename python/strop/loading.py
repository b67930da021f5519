"""Models from files and memory."""

import os
from typing import Any, Unpack

from strop import _strop
from strop.listener import HEARD
from strop.model import Model
from strop.option_rows import model_options
from strop.option_types import LoadOptions
from strop.options import pairs_of, rows_of, take_options


def load(model: Any, **options: Unpack[LoadOptions]) -> Model:
    """A model from a path, from the bytes of a file, or from an `onnx.ModelProto`.

    External data lie beside the path. Raises FileNotFoundError where there is no file, and
    strop.DataError, a ValueError, for one that cannot be used: `strop.obstacles` tells all of why.

        >>> model = strop.load("model.onnx", seed=1, freeze="hidden.0.*")
        >>> model.inputs[0].shape, model.outputs[0].shape
        ((None, 4), (None, 3))
    """
    pairs = pairs_of("train", options)
    if isinstance(model, (str, os.PathLike)):
        return Model(_strop.Model.load(model, pairs, *HEARD), model)
    content = model.SerializeToString() if hasattr(model, "SerializeToString") else model
    if not isinstance(content, (bytes, bytearray, memoryview)):
        found = type(model).__name__
        raise TypeError(f"model: found a {found}, expected a path, bytes or an onnx.ModelProto")
    return Model(_strop.Model.load_bytes(content, pairs, *HEARD))


take_options(load, model_options(rows_of("train").values()))
