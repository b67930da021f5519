"""What the library notices goes to Python's `logging`, under the name "strop"."""

import logging

_LOGGER = logging.getLogger("strop")


def note(line: str) -> None:
    """What was done, and why."""
    _LOGGER.info("%s", line)


def warning(line: str) -> None:
    """What went wrong and ends nothing."""
    _LOGGER.warning("%s", line)


def progress(work: str, done: int, total: int) -> None:
    """How far work is that takes long."""
    _LOGGER.debug("%s: %d of %d", work, done, total)


# As arguments of the module's functions.
HEARD = (note, warning, progress)
