"""tqdm: bars in terminals and notebooks."""

import sys
from typing import Any

from strop.callbacks import Callback
from strop.extras import needed


class TqdmCallback(Callback):
    """A bar of epochs, and beneath it one of the steps of an epoch, with the numbers of now.

    By default on standard error, where that is a terminal, or in a notebook; else nothing is
    printed. steps: whether there is the lower bar. leave: whether the upper one stays when the run
    ends. Others go to `tqdm.auto.tqdm`: file, disable, ncols, mininterval, …
    """

    def __init__(self, steps: bool = True, leave: bool = True, **bars: Any) -> None:
        self._tqdm = needed("tqdm.auto", "tqdm").tqdm
        # tqdm takes a notebook for no terminal, when it is asked to find out.
        self._options = {"disable": False if _is_notebook() else None, **bars}
        self._has_steps, self._leave = steps, leave
        self._epochs: Any = None
        self._steps: Any = None

    def on_train_begin(self, logs: dict[str, float]) -> None:
        self._close()
        self._epochs = self._tqdm(
            total=self.params["epochs"],
            desc="training",
            unit="epoch",
            leave=self._leave,
            **self._options,
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        if epoch - 1 > self._epochs.n:  # a run that was resumed
            self._epochs.initial = self._epochs.n = epoch - 1
            self._epochs.refresh()
        if not self._has_steps:
            return
        if self._steps is None:
            self._steps = self._tqdm(unit="step", leave=False, **self._options)
        self._steps.reset(total=self.params["steps"])
        self._steps.set_description(f"epoch {epoch}", refresh=False)

    def on_train_batch_end(self, step: int, logs: dict[str, float]) -> None:
        if self._has_steps:
            self._steps.set_postfix(loss=f"{logs['loss']:.4g}", refresh=False)
            self._steps.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        numbers = {name: f"{value:.4g}" for name, value in logs.items()}
        self._epochs.set_postfix(numbers, refresh=False)
        self._epochs.update(epoch - self._epochs.n)

    def on_train_end(self, logs: dict[str, float]) -> None:
        self._close()

    def on_train_failed(self, error: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        for bar in (self._steps, self._epochs):
            if bar is not None:
                bar.close()
        self._steps = self._epochs = None


def _is_notebook() -> bool:
    """Whether this is the kernel of a notebook, whose output is no terminal and is looked at."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
