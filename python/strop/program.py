"""What the program's other commands do, with files."""

import json
import os
from typing import Any

from strop import _strop
from strop.listener import HEARD
from strop.options import pairs_of


def perform(operation: str, **options: object) -> Any:
    """What `strop OPERATION` does, by its name; `strop.operations` has the same as functions.

    Options are the command's with underscores; those that have a place have capitals. Gives what
    the command prints with --json, read, or None. Raises TypeError for an option that there is not,
    and what strop.errors has.

        >>> inspected = strop.perform("inspect", MODEL="model.onnx")
        >>> [value["name"] for value in inspected["outputs"]]
        ['logits']
    """
    command = operation.replace("_", "-")
    done = _strop.perform(command, pairs_of(command, options), *HEARD)
    return json.loads(done) if done else None


def obstacles(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """All that stands in the way of loading and training a file; [] where nothing does.

    Each is a dict of "stage", "message" and, where an operator is missing, "operator" and "nodes".
    Raises strop.NoInputError where there is no file, strop.DataError where it holds no model.

        >>> strop.obstacles("model.onnx")
        []
    """
    found: list[dict[str, Any]] = json.loads(_strop.obstacles(path))
    return found


def list_options() -> list[dict[str, Any]]:
    """Every option of every operation, as `strop --list-options` has them.

    >>> [train] = [each for each in strop.list_options() if each["command"] == "train"]
    >>> [epochs] = [row for row in train["options"] if row["name"] == "--epochs"]
    >>> epochs["value"], epochs["default"], epochs["unit"]
    ('integer', '1', 'epochs')
    """
    listed: list[dict[str, Any]] = json.loads(_strop.list_options())
    return listed
