"""What the program's other commands do, with files."""

import json
import os
from typing import Any

from strop import _strop
from strop.listener import HEARD
from strop.options import pairs_of


def perform(operation: str, **options: object) -> Any:
    """What `strop OPERATION` does: predict, evaluate, tune, find_learning_rate, landscape,
    benchmark, new, export, report, …

    Options are the command's with underscores; those that have a place have capitals:
    perform("new", MODEL="mlp", …). Gives what --json prints, read.
    """
    command = operation.replace("_", "-")
    done = _strop.perform(command, pairs_of(command, options), *HEARD)
    return json.loads(done) if done else None


def obstacles(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """All that stands in the way of loading and training a file; [] where nothing does."""
    found: list[dict[str, Any]] = json.loads(_strop.obstacles(path))
    return found


def list_options() -> list[dict[str, Any]]:
    """Every option of every operation, as `strop --list-options` has them."""
    listed: list[dict[str, Any]] = json.loads(_strop.list_options())
    return listed
