"""Packages of others, which are needed by what is named after them and by nothing else."""

import importlib
from typing import Any


def needed(package: str, extra: str) -> Any:
    """A package of others. Raises ImportError that names the extra of this one that brings it."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise  # something that the package lacks
        raise ImportError(
            f"found no package {package!r}, expected it to be installed: "
            f"pip install 'strop[{extra}]'"
        ) from None
