"""Bars in a terminal, in a notebook's kernel, and nothing elsewhere."""

import asyncio
import os
import pathlib
import pty
import re
import subprocess
import sys
import termios
import unittest

import nbclient
import nbformat
import strop
from jupyter_client import AsyncKernelManager
from program import ProgramTest, linear_model
from strop.integrations.tqdm import TqdmCallback

PROGRAM = """
import sys

import numpy as np
import strop
from strop.integrations.tqdm import TqdmCallback

arrays = np.load(sys.argv[2])
trainer = strop.Trainer(strop.load(sys.argv[1]), batch_size=6, epochs=3)
bars = TqdmCallback(mininterval=0)
history = trainer.fit(arrays["x"], arrays["target"], callbacks=[bars])
"""


class TqdmTest(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.model = self.save(linear_model())
        self.data = self.save_data(**self.samples(count=24))
        self.command = [sys.executable, "-c", PROGRAM, self.model, self.data]

    def on_terminal(self) -> str:
        """What a terminal is shown that is standard error."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 160))
        done = subprocess.Popen(self.command, stderr=theirs, stdout=subprocess.PIPE)
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the terminal has nobody any more
                break
        os.close(ours)
        self.assertEqual(done.communicate()[0], b"")
        self.assertEqual(done.returncode, 0, shown.decode())
        return shown.decode()

    def test_a_terminal_has_bars_of_epochs_and_of_steps(self) -> None:
        shown = self.on_terminal()
        for step in (1, 2, 3, 4):
            self.assertRegex(shown, rf"epoch 3: +{25 * step}%.*\| {step}/4 ")
        last = re.findall(r"training: +\d+%[^\r\n]*", shown)[-1]
        self.assertRegex(last, r"100%.* 3/3 \[.*epoch/s, loss=\d.*, learning_rate=0.001\]")

    def test_elsewhere_nothing_is_printed(self) -> None:
        done = subprocess.run(self.command, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_notebook_has_widgets(self) -> None:
        code = PROGRAM.replace("sys.argv[2]", repr(str(self.data)))
        cells = [code.replace("sys.argv[1]", repr(str(self.model)))]
        cells.append("history.history['loss']")
        notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
        kernel = AsyncKernelManager(transport="ipc", ip=str(self.path("kernel")))  # no network
        nbclient.NotebookClient(notebook, km=kernel, timeout=120).execute()
        asyncio.run(kernel.shutdown_kernel(now=True))
        states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
        bars = [each["state"] for each in states.values() if "FloatProgress" in each["model_name"]]
        found = {(bar["value"], bar["max"], bar["bar_style"]) for bar in bars}
        self.assertIn((3.0, 3.0, "success"), found)
        labels = [each["state"].get("value") for each in states.values()]
        self.assertTrue([text for text in labels if isinstance(text, str) and "loss=" in text])
        [views, _] = [cell.outputs for cell in notebook.cells]
        kinds = {kind for output in views for kind in output.get("data", {})}
        self.assertIn("application/vnd.jupyter.widget-view+json", kinds)

    def test_a_file_is_written_when_it_is_named(self) -> None:
        arrays = self.samples(count=24)
        path = self.path("bars.txt")
        with path.open("w") as file:
            bars = TqdmCallback(steps=False, file=file, disable=False)
            trainer = strop.Trainer(strop.load(self.model), batch_size=6, callbacks=[bars])
            trainer.fit(arrays["x"], arrays["target"], epochs=2)
            trainer.fit(arrays["x"], arrays["target"], epochs=5)
        written = path.read_text()
        self.assertIn("2/2", written)
        self.assertIn("5/5", written)
        self.assertNotIn("step", written)

    def test_without_the_package_the_extra_is_named(self) -> None:
        code = """
import sys
sys.modules.update(dict.fromkeys(("tqdm", "optuna", "mlflow", "wandb", "matplotlib")))
import strop
from strop.integrations import mlflow, optuna, tqdm, wandb
for make in (tqdm.TqdmCallback, lambda: optuna.OptunaPruningCallback(None), mlflow.autolog,
             mlflow.MlflowCallback, wandb.WandbCallback, strop.History().plot):
    try:
        make()
    except ImportError as error:
        print(error)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        extras = ("tqdm", "optuna", "mlflow", "mlflow", "wandb", "plot")
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), len(extras), done.stderr)
        for line, extra in zip(lines, extras, strict=True):
            self.assertRegex(line, rf"found no package .*: pip install 'strop\[{extra}\]'$")
        root = pathlib.Path(__file__).parents[3]
        project = (root / "pyproject.toml").read_text()
        for extra in extras:
            self.assertIn(f"\n{extra} = [", project)


if __name__ == "__main__":
    unittest.main()
